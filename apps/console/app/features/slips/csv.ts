import { displayable } from '../../ui/table/csv.ts'
import { budgetWords, type SlipSheet } from './slip.ts'

const HEADER = ['Name', 'Key', 'Budget', 'Budget in USD', 'Renewal', 'Valid from', 'Valid until', 'Base URL']

/** The slips as CSV that spreadsheet programs open as it is meant: as UTF-8, and with no formula in it. */
export function makeCsv({ slips, base_url }: SlipSheet): string {
  const rows = slips.map((slip) => [
    slip.name,
    slip.secret,
    budgetWords(slip),
    slip.budget_usd,
    slip.renewal,
    slip.valid_from,
    slip.valid_until,
    base_url,
  ])
  return `\uFEFF${[HEADER, ...rows].map((row) => `${row.map(displayable).join(',')}\r\n`).join('')}`
}
