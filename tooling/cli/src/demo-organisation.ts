/** Who and what is in the demo. Invented; the addresses are of domains that exist for examples only. */

type Kind = 'student' | 'staff' | 'employee'
export type Role = 'owner' | 'admin' | 'auditor' | 'member'

export type DemoPerson = {
  name: string
  email: string
  kind: Kind
  role: Role
  /** Name of a location; null is the whole organisation. */
  location: string | null
  group: string | null
  /** An admin or auditor of their own location only. */
  is_confined: boolean
  /** Whether they can sign in, which is also what a key needs. */
  has_account: boolean
}

export type DemoKey = {
  /** E-mail address of whom it is for. */
  email: string
  name: string
  budget_usd: string | null
  renewal: 'never' | 'when_used_up' | 'daily' | 'weekly' | 'monthly'
  allocation: string | null
  valid_days: number | null
  /** How much of a month was worked with it: 0 not at all, 1 a lot. */
  pace: number
}

/** A class that works at this moment: everybody in it who can have a key has one for this lesson. */
export type DemoLesson = {
  group: string
  key_name: string
  budget_usd: string
  /** How busy each is, one after the other. */
  paces: readonly number[]
}

export type DemoOrganisation = {
  slug: string
  name: string
  kind: 'school' | 'company'
  time_zone: string
  accent_color: string
  credit: { amount_usd: string; cause: string }
  locations: string[]
  /** `lead` is the address of who leads it. */
  groups: { name: string; location: string; lead: string | null }[]
  allocation: { name: string; budget_usd: string; renewal: 'never' | 'monthly' }
  people: DemoPerson[]
  keys: DemoKey[]
  lesson: DemoLesson | null
  /** One of its own, which is the sandbox again under another name. */
  provider: {
    name: string
    kind: 'vllm'
    models: {
      name: string
      upstream_name: string
      aliases: string[]
      dialects: string[]
      price: { input_usd_per_million: string; output_usd_per_million: string }
    }[]
  } | null
}

/** Letters, digits and hyphens of a name, as a school's own system would make an address of it. */
export function addressOf(name: string, domain: string): string {
  const plain = name
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .replaceAll('ł', 'l')
    .replaceAll('Ł', 'L')
    .replaceAll('ø', 'o')
    .replaceAll('Ø', 'O')
    .replaceAll('đ', 'd')
    .replaceAll('Đ', 'D')
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('Æ', 'Ae')
    .replaceAll('ı', 'i')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.|\.$/g, '')
  return `${plain.slice(0, 60).replace(/\.$/, '')}@${domain}`
}
