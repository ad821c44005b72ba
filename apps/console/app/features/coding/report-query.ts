import { readTable } from '../../ui/table/state.ts'

const SUBJECTS = ['member', 'group', 'location'] as const
const DAYS = [7, 30, 90] as const

/** What the address of the report says about what is added up. */
export function readReport(params: URLSearchParams) {
  const table = readTable(params, { sorts: ['-cost', 'cost', 'requests', '-requests', 'name', '-name'] })
  const location_id = params.get('location')?.trim() || undefined
  return {
    by: SUBJECTS.find((one) => one === params.get('by')) ?? ('member' as const),
    days: DAYS.find((one) => String(one) === params.get('days')) ?? 30,
    filter: {
      ...(table.search === null ? {} : { search: table.search }),
      ...(location_id === undefined ? {} : { location_id }),
    },
    sort: table.sort,
    cursor: table.cursor,
    isFiltered: table.isFiltered,
  }
}
