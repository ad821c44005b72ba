import type { TenantCall } from '../../session.server.ts'
import { text } from '../../session.server.ts'
import { creatorWords } from './creator.server.ts'

/** What the panel of a key shows, wherever it is opened. */
export async function loadKeyPanel(api: TenantCall['api'], keyId: string) {
  const key = await api.keys.get({ id: keyId })
  const [others, recent, chats, tenant, created_by] = await Promise.all([
    api.keys.list({ member_id: key.member_id, limit: 50 }),
    api.usage.list({ key_id: key.id, limit: 5 }),
    api.chats.list({ key_id: key.id, limit: 5 }),
    api.tenants.get(),
    creatorWords(api, key.created_by),
  ])
  return {
    key,
    created_by,
    recent: recent.data,
    chats: chats.data,
    keeps_titles: tenant.content.kept === 'titles',
    others_count: others.data.length - 1,
  }
}

/** What the panel's buttons send. */
export async function actOnKey(api: TenantCall['api'], keyId: string, form: FormData): Promise<{ did: string }> {
  const key = { id: keyId }
  const did = text(form, 'intent')
  switch (did) {
    case 'revoke':
      await api.keys.revoke(key)
      break
    case 'disable':
      await api.keys.disable(key)
      break
    case 'end':
      await api.keys.update({ ...key, valid_until: new Date().toISOString() })
      break
    case 'enable':
      await api.keys.enable(key)
      break
  }
  return { did }
}
