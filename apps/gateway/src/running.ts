import type { DomainError } from '@stipend/core/errors'

type Cuttable = { cut(error: DomainError): void }

/** Where a request stands among those that run. */
export type Place = { request: Cuttable; before: Place | null; after: Place | null }

/**
 * Requests that are being answered. No Set: whenever one that keeps changing moves to a new table, V8 leaves the old one behind with a
 * link to the new one. A table that is dead but has grown old then keeps alive all that came after it, requests with their prompts
 * among it, until the next full collection.
 */
export class Running {
  #first: Place | null = null
  #size = 0

  get size(): number {
    return this.#size
  }

  add(request: Cuttable): Place {
    const place: Place = { request, before: null, after: this.#first }
    if (this.#first !== null) this.#first.before = place
    this.#first = place
    this.#size++
    return place
  }

  /** Once for each that was added. */
  remove(place: Place): void {
    const { before, after } = place
    if (before === null) this.#first = after
    else before.after = after
    if (after !== null) after.before = before
    place.before = null
    place.after = null
    this.#size--
  }

  cutAll(error: DomainError): void {
    const all: Cuttable[] = []
    for (let place = this.#first; place !== null; place = place.after) all.push(place.request)
    for (const request of all) request.cut(error)
  }
}
