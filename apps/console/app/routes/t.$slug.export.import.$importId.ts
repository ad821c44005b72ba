import { REASONS } from '../features/people/import-words.ts'
import { tenantLoader } from '../session.server.ts'
import { csvResponse } from '../ui/table/csv.server.ts'

/** The rows of an import that were left out, with the reason: to be corrected and imported again. */
export const loader = tenantLoader(({ api, param, url }) =>
  csvResponse({
    name: 'rows-left-out',
    url,
    page: (paging) => api.imports.listRows({ id: param('importId'), outcome: 'skip', ...paging }),
    columns: [
      { id: 'file', header: 'File', value: (row) => row.file },
      { id: 'line', header: 'Row', value: (row) => row.line },
      { id: 'name', header: 'Name', value: (row) => row.name },
      { id: 'email', header: 'E-mail', value: (row) => row.email },
      { id: 'reason', header: 'Why', value: (row) => (row.reason === null ? null : REASONS[row.reason]) },
    ],
  }),
)
