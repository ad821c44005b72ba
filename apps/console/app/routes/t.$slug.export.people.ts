import { readView } from '../features/coding/view.ts'
import { tenantLoader } from '../session.server.ts'
import { csvResponse } from '../ui/table/csv.server.ts'

/** What the Coding page shows, all pages of it. */
export const loader = tenantLoader(({ api, membership, url }) => {
  const view = readView(url.searchParams, membership.tenant_kind)
  return csvResponse({
    name: 'coding',
    url,
    page: (paging) => api.coding.listPeople({ ...view.filter, sort: view.sort, ...paging }),
    columns: [
      { id: 'name', header: 'Name', value: (person) => person.name },
      { id: 'name', header: 'E-mail', value: (person) => person.email },
      { id: 'group', header: 'Group', value: (person) => person.groups.map((one) => one.name).join('; ') },
      { id: 'account', header: 'Account', value: (person) => person.account },
      { id: 'key', header: 'Key', value: ({ key }) => key?.masked ?? null },
      { id: 'key', header: 'Status', value: ({ key }) => key?.status ?? null },
      { id: 'window', header: 'Valid from', value: ({ key }) => key?.valid_from ?? null },
      { id: 'window', header: 'Valid until', value: ({ key }) => key?.valid_until ?? null },
      { id: 'spent', header: 'Spent (USD)', value: ({ key }) => key?.budget.spent_usd ?? null },
      { id: 'spent', header: 'Budget (USD)', value: ({ key }) => key?.budget.limit_usd ?? null },
      { id: 'requests', header: 'Requests', value: (person) => person.requests },
      { id: 'last_used_at', header: 'Last used', value: ({ key }) => key?.last_used_at ?? null },
    ],
  })
})
