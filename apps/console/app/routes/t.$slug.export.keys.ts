import { creatorOf } from '../features/keys/creator-of.ts'
import { readKeysQuery } from '../features/keys/keys-query.ts'
import { tenantLoader } from '../session.server.ts'
import { csvResponse } from '../ui/table/csv.server.ts'

/** What the Keys page shows, all pages of it. Never a secret: there is none. */
export const loader = tenantLoader(({ api, url }) => {
  const { filter, sort } = readKeysQuery(url.searchParams)
  return csvResponse({
    name: 'keys',
    url,
    page: (paging) => api.keys.list({ ...filter, sort, ...paging }),
    columns: [
      { id: 'member', header: 'Owner', value: (key) => key.member_name },
      { id: 'member', header: 'E-mail', value: (key) => key.member_email },
      { id: 'name', header: 'Name', value: (key) => key.name },
      { id: 'status', header: 'Status', value: (key) => key.status },
      { id: 'masked', header: 'Key', value: (key) => key.masked },
      { id: 'spent', header: 'Spent (USD)', value: (key) => key.budget.spent_usd },
      { id: 'spent', header: 'Budget (USD)', value: (key) => key.budget.limit_usd },
      { id: 'remaining', header: 'Left (USD)', value: (key) => key.budget.remaining_usd },
      { id: 'renewal', header: 'Renewal', value: (key) => key.budget.renewal },
      { id: 'models', header: 'Models', value: (key) => key.allowed_models?.join(' ') ?? '' },
      { id: 'provider', header: 'Provider', value: (key) => key.provider_name },
      { id: 'addresses', header: 'Addresses', value: (key) => key.allowed_ips?.join(' ') ?? '' },
      { id: 'per_minute', header: 'Requests a minute', value: (key) => key.requests_per_minute },
      { id: 'requests', header: 'Requests', value: (key) => key.requests },
      { id: 'tokens', header: 'Tokens', value: (key) => key.tokens },
      { id: 'cost', header: 'Cost in all (USD)', value: (key) => key.cost_usd },
      { id: 'window', header: 'Valid from', value: (key) => key.valid_from },
      { id: 'creator', header: 'Made by', value: creatorOf },
      { id: 'created_at', header: 'Created', value: (key) => key.created_at },
      { id: 'valid_until', header: 'Expires', value: (key) => key.valid_until },
      { id: 'last_used_at', header: 'Last used', value: (key) => key.last_used_at },
      { id: 'revoked_at', header: 'Revoked', value: (key) => key.revoked_at },
    ],
  })
})
