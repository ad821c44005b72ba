import { readPeopleQuery } from '../features/people/people-query.ts'
import { tenantLoader } from '../session.server.ts'
import { csvResponse } from '../ui/table/csv.server.ts'

/** What the Members page shows, all pages of it. */
export const loader = tenantLoader(({ api, url }) => {
  const { filter, sort } = readPeopleQuery(url.searchParams)
  const names = (of: { name: string }[]) => of.map((one) => one.name).join('; ')
  return csvResponse({
    name: 'people',
    url,
    page: (paging) => api.members.list({ ...filter, sort, ...paging }),
    columns: [
      { id: 'name', header: 'Name', value: (person) => person.name },
      { id: 'email', header: 'E-mail', value: (person) => person.email },
      { id: 'account', header: 'Account', value: (person) => (person.is_active ? person.account : 'deactivated') },
      { id: 'kind', header: 'Kind', value: (person) => person.kind },
      { id: 'location', header: 'Location', value: (person) => person.location_name },
      { id: 'groups', header: 'Groups', value: (person) => names(person.groups) },
      { id: 'groups', header: 'Leads', value: (person) => names(person.leads) },
      { id: 'role', header: 'Role', value: (person) => person.role },
      { id: 'external_id', header: 'External id', value: (person) => person.external_id },
      { id: 'created_at', header: 'Added', value: (person) => person.created_at },
    ],
  })
})
