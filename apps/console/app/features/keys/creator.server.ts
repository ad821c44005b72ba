import type { Caller } from '../../../backend.ts'

/** Who made something, in words: a person by name where the reader may see them. */
export async function creatorWords(api: Caller, created_by: string): Promise<string> {
  if (created_by.startsWith('operator:')) return 'The operator'
  if (created_by.startsWith('tok_')) return 'A service token'
  const member = await api.members.get({ id: created_by }).catch(() => null)
  return member?.name ?? 'Somebody outside your locations'
}
