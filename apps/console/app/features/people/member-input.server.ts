import { text } from '../../session.server.ts'
import type { Member } from './people-columns.tsx'

/** The fields of the form that were sent, as the operations take them; those a person may not set aren't there. */
export function memberInput(form: FormData) {
  const list = (name: string) =>
    text(form, name)
      .split(',')
      .filter((one) => one !== '')
  return {
    name: text(form, 'name'),
    email: text(form, 'email'),
    location_id: text(form, 'location_id') || null,
    group_ids: list('group_ids'),
    external_id: text(form, 'external_id') || null,
    ...(form.has('kind') ? { kind: text(form, 'kind') as Member['kind'] } : {}),
    ...(form.has('role')
      ? { role: text(form, 'role') as Member['role'], scope_location_ids: list('scope_location_ids') }
      : {}),
  }
}
