import { startOfDay } from '../../time.ts'

export const RANGES = { '1': 'Today', '7': '7 days', '30': '30 days', '90': '90 days' } as const
export type Range = keyof typeof RANGES

const STATUSES = ['succeeded', 'failed', 'canceled', 'interrupted'] as const

/** What the address of the Usage page says about what is shown, as the operations take it. */
export function readUsageFilter(search: URLSearchParams, zone: string, now: Date) {
  const given = (name: string) => search.get(name)?.trim() || undefined
  const range: Range =
    given('days') !== undefined && Object.hasOwn(RANGES, given('days') ?? '') ? (given('days') as Range) : '30'
  const days = Number(range)
  const status = STATUSES.find((one) => one === given('status'))
  const location_id = given('location')
  const place = location_id === undefined ? {} : { location_id }
  const filter = {
    from: startOfDay(now, zone, 1 - days),
    ...(given('q') === undefined ? {} : { search: given('q') }),
    ...(given('model') === undefined ? {} : { model: given('model') }),
    ...place,
    ...(given('key') === undefined ? {} : { key_id: given('key') }),
    ...(given('provider') === undefined ? {} : { provider_id: given('provider') }),
    ...(status === undefined ? {} : { status }),
  }
  const isFiltered = Object.keys(filter).length > 1
  return { range, days, place, filter, isFiltered }
}
