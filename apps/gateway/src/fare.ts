import { type Admission, type Need, STRETCH_TOKENS } from './admit.ts'
import type { StreamMeter } from './meter/meter.ts'
import type { Purse } from './purse.ts'

/** An ending stream leaves this much of what is paid for: what was already on its way. */
const END_MARGIN_TOKENS = 16
/** How much more of an answer may pass before it is counted again, once money is short. */
const RECHECK_TOKENS = 32

export type FareEvents = {
  isOver: () => boolean
  /** The hold is in another lease now: that one has to pay should this process die. */
  onMoved: () => void
  /** What is held is used up, and there is no more to be had. */
  onSpent: () => void
}

/** The taxi's meter of a stream: where it nears the end of what is held, more is, or it has to end. */
export class Fare {
  readonly #purse: Purse
  readonly #need: Need
  readonly #admission: Admission
  readonly #events: FareEvents
  /** Tokens of the answer that the hold pays for; unlimited where it pays for the whole answer. */
  #covered: number
  #isExtending = false

  constructor(purse: Purse, need: Need, admission: Admission, events: FareEvents) {
    this.#purse = purse
    this.#need = need
    this.#admission = admission
    this.#events = events
    this.#covered = admission.coveredTokens
  }

  mind(meter: StreamMeter): void {
    if (this.#covered === Number.POSITIVE_INFINITY || this.#isExtending) return
    if (meter.roughTokens() < this.#covered - STRETCH_TOKENS / 2) return
    const stretch = this.#stretch()
    if (stretch === 0n) this.#covered = Number.POSITIVE_INFINITY
    else if (this.#purse.extend(this.#admission.hold, stretch)) this.#covered += STRETCH_TOKENS
    else void this.#draw(meter, stretch)
  }

  async #draw(meter: StreamMeter, stretch: bigint): Promise<void> {
    const { hold } = this.#admission
    const { lease } = hold
    this.#isExtending = true
    const isExtended = await this.#purse.extendByDrawing(hold, stretch, stretch).catch(() => false)
    this.#isExtending = false
    if (this.#events.isOver()) return
    if (hold.lease !== lease) this.#events.onMoved()
    if (isExtended) {
      this.#covered += STRETCH_TOKENS
      return
    }
    // No more to be had: count exactly what is left of the hold, and end where it ends.
    const need = this.#need
    const paid = need.affordable(hold.amount)
    if (meter.countedTokens() >= (paid - END_MARGIN_TOKENS) * need.answers) this.#events.onSpent()
    else this.#covered = Math.max(this.#covered, meter.roughTokens() + STRETCH_TOKENS / 2 + RECHECK_TOKENS)
  }

  #stretch(): bigint {
    const need = this.#need
    if (this.#covered >= need.outputMax) return 0n
    return need.cost(STRETCH_TOKENS, { counted: false }) - need.cost(0, { counted: false })
  }
}
