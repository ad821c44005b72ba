import { randomUUID } from 'node:crypto'
import { paths } from '../../paths.ts'
import { type TenantCall, text } from '../../session.server.ts'
import { choicesOf } from '../keys/restrictions.ts'
import { readTerms } from '../keys/terms.server.ts'

export type Target = { group_id: string } | { location_id: string }

/** What the page that makes keys for many needs to know. */
export async function loadNewKeys({ api, context, session, membership, now }: TenantCall, target: Target) {
  const permissions = context.backend.permissions(session, membership)
  const [preview, place, allocations, models] = await Promise.all([
    api.keys.previewCreateMany(target),
    'group_id' in target ? api.groups.get({ id: target.group_id }) : locationOf(api, target.location_id),
    permissions.includes('allocations:read') ? api.allocations.list({ limit: 200 }) : null,
    api.models.list(),
  ])
  return {
    place: place.name,
    kind: 'group_id' in target ? ('group' as const) : ('location' as const),
    ...preview,
    allocations: allocations?.data.map(({ id, name }) => ({ id, name })) ?? [],
    choices: choicesOf(models.data),
    gateway_url: context.backend.gateway_url,
    slip_path: paths.slip(),
    may_write: permissions.includes('keys:write'),
    made_at: now,
    /** One form makes the keys once, however often it is sent. */
    idempotency_key: randomUUID(),
  }
}

async function locationOf(api: TenantCall['api'], id: string): Promise<{ name: string }> {
  const { data } = await api.locations.list({})
  const found = data.find((one) => one.id === id)
  if (found === undefined) throw new Error('the location of a preview is not there')
  return found
}

/** Makes them. The secrets are in this answer, and from then on in the page's memory alone. */
export async function actNewKeys({ api }: TenantCall, target: Target, form: FormData) {
  const chosen = text(form, 'member_ids')
  const created = await api.keys.createMany({
    ...target,
    ...(chosen !== '' && { member_ids: chosen.split(',') }),
    with_active_key: text(form, 'with_active_key') === 'add' ? 'add' : 'skip',
    expected_keys: Number(text(form, 'expected_keys')),
    ...readTerms(form),
    allocation_id: text(form, 'allocation_id') || null,
  })
  return { created }
}
