/** Who made a key, in words: a person by name where the reader may see them. */
export function creatorOf(key: { created_by: string; created_by_name: string | null }): string {
  if (key.created_by_name !== null) return key.created_by_name
  if (key.created_by.startsWith('operator:')) return 'The operator'
  return key.created_by.startsWith('tok_') ? 'A service token' : 'Somebody outside your locations'
}
