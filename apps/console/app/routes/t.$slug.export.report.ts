import { readReport } from '../features/coding/report-query.ts'
import { tenantLoader } from '../session.server.ts'
import { csvResponse } from '../ui/table/csv.server.ts'

/** What the report shows, all pages of it. */
export const loader = tenantLoader(({ api, url }) => {
  const { filter, by, days, sort } = readReport(url.searchParams)
  return csvResponse({
    name: `report-${days}-days`,
    url,
    page: (paging) => api.coding.report({ ...filter, by, days, sort, ...paging }),
    columns: [
      { id: 'name', header: 'Name', value: (row) => row.name },
      { id: 'detail', header: 'Detail', value: (row) => row.detail },
      { id: 'people', header: 'People', value: (row) => row.members_count },
      { id: 'requests', header: 'Requests', value: (row) => row.requests },
      { id: 'tokens', header: 'Tokens', value: (row) => row.tokens },
      { id: 'chats', header: 'Chats', value: (row) => row.chats_count },
      { id: 'cost', header: 'Cost (USD)', value: (row) => row.cost_usd },
      { id: 'seen', header: 'Last seen', value: (row) => row.last_seen_at },
    ],
  })
})
