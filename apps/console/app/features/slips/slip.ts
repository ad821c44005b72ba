import { clock, day, daysBetween } from '../../time.ts'
import { amountWords, RENEWAL_PHRASES } from '../keys/draft.ts'
import type { Renewal } from '../keys/key-state.tsx'

/** What a person is handed: their key, what it may spend and when. Held in the page's memory and nowhere else. */
export type Slip = {
  name: string
  secret: string
  budget_usd: string | null
  renewal: Renewal
  valid_from: string | null
  valid_until: string | null
}

/** All slips of one act, and what they share. */
export type SlipSheet = {
  tenant_name: string
  /** The class, team or place they are for. */
  place: string
  time_zone: string
  made_at: Date
  /** Ends in `/v1`: what a tool is told. */
  base_url: string
  /** Where the QR code leads; the key follows as its fragment, which browsers send to nobody. */
  slip_url: string
  slips: readonly Slip[]
}

export function qrText(sheet: Pick<SlipSheet, 'slip_url'>, slip: Slip): string {
  return `${sheet.slip_url}#${slip.secret}`
}

/** "$5.00 every week" */
export function budgetWords({ budget_usd, renewal }: Pick<Slip, 'budget_usd' | 'renewal'>): string {
  return budget_usd === null ? 'No limit of its own' : `${amountWords(budget_usd)}${RENEWAL_PHRASES[renewal]}`
}

/** On paper there is no today: "24 Nov 2026, 10:00–11:00", "Until 24 Nov 2026 10:50", "Always". */
export function paperWindow({ valid_from: from, valid_until: until }: Slip, zone: string, made_at: Date): string {
  const date = (at: string) => day(at, zone, new Date(0))
  const moment = (at: string) => `${date(at)} ${clock(at, zone)}`
  const starts = from !== null && from > made_at.toISOString() ? from : null
  if (starts !== null && until !== null) {
    return daysBetween(starts, until, zone) === 0
      ? `${date(starts)}, ${clock(starts, zone)}–${clock(until, zone)}`
      : `${moment(starts)} – ${moment(until)}`
  }
  if (starts !== null) return `From ${moment(starts)}`
  return until === null ? 'Always' : `Until ${moment(until)}`
}

/** How to start, in the order one does it. The same words on paper and in print. */
export function howToStart({ slip_url, base_url }: Pick<SlipSheet, 'slip_url' | 'base_url'>): string[] {
  return [
    `What is left: scan the code, or open ${slip_url.replace(/^https?:\/\//, '')}.`,
    'In your tool choose “OpenAI-compatible”. Base URL:',
    base_url,
  ]
}

export const KEEP_IT = 'Keep it to yourself: whoever has this key spends your budget.'

/** The name of a file to download: "Keys of Klas 3A, 2026-11-24.pdf". */
export function fileName({ place, made_at }: SlipSheet, ending: string): string {
  const safe = place.replaceAll(/[\\/:*?"<>|\p{Cc}\s]+/gu, ' ').trim()
  return `Keys of ${safe}, ${made_at.toISOString().slice(0, 10)}.${ending}`
}
