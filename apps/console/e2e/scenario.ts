import { createAccount } from '@stipend/auth'
import {
  type Actor,
  type AnyOperation,
  balance,
  execute,
  groups,
  keys,
  locations,
  members,
  newId,
  providers,
  tenants,
} from '@stipend/core'
import type { Database } from '@stipend/db'
import type { z } from 'zod'

/** Everybody's, in these tests. */
export const PASSWORD = 'correct horse battery staple'

export type SeededPerson = { id: string; name: string; email: string }
export type Seeded = {
  tenant_id: string
  slug: string
  owner: SeededPerson
  /** Looks after the first location only. */
  admin: SeededPerson
  member: SeededPerson
  /** Leads the first class, and has no other role. A company has none. */
  teacher?: SeededPerson
  people: SeededPerson[]
  locations: string[]
  location_ids: string[]
  /** Ids of its classes. */
  groups: string[]
  /** Of the member's key. */
  member_secret: string
}

const CLASSES = {
  'Klas 3A': ['Sanne de Vries', 'Mohammed El Amrani', 'Zoë van der Meer', 'Daan Jansen', 'Aylin Öztürk', 'Noor Bakker'],
  'Klas 3B': ['Emma Willems', 'Nguyễn Minh Anh', 'Bram Peters', 'Anaïs Lefèvre', 'Yusuf Demir', 'Finn Smit'],
}
const WITHOUT_ACCOUNT = new Set(['Finn Smit', 'Oliver Pemberton'])

/** Runs operations as the platform's operator, at a moment of one's choice. */
export function operatorOf(database: Database, tenant_id: string | null, now?: Date, masterKey?: Buffer) {
  const dependencies = {
    database,
    ...(now && { given: { now } }),
    ...(masterKey && { masterKeys: [masterKey] as const }),
  }
  const actor: Actor = { kind: 'operator', tenant_id, name: 'e2e' }
  return async <O extends AnyOperation>(operation: O, input: unknown): Promise<z.output<O['output']>> => {
    const request = { request_id: newId('request'), ip: null }
    return (await execute(operation, dependencies, actor, input, { request })).output
  }
}

/** A model provider of the platform, with two models. */
export async function seedProvider(database: Database, masterKey: Buffer, url: string): Promise<void> {
  const model = (name: string, input_usd_per_million: string, output_usd_per_million: string) => ({
    name,
    dialects: ['chat'],
    context_tokens_max: 1_000_000,
    output_tokens_max: 32_768,
    price: { input_usd_per_million, output_usd_per_million },
  })
  const operate = operatorOf(database, null, undefined, masterKey)
  const base_url = `${url}/v1`
  const made = { name: 'sandbox', kind: 'openai_compatible', base_url, credential: 'sandbox' }
  const { id } = await operate(providers.create, made)
  const models = [model('sandbox-large', '2.50', '10.00'), model('sandbox-small', '0.15', '0.60')]
  await operate(providers.setModels, { id, models })
}

/** A school with two locations and a class in each. */
export async function seedSchool(database: Database, { slug, name }: { slug: string; name: string }): Promise<Seeded> {
  const tenant_id = newId('tenant')
  const operate = operatorOf(database, tenant_id)
  await operate(tenants.create, {
    slug,
    kind: 'school',
    name,
    time_zone: 'Europe/Amsterdam',
    accent_color: 'teal',
  })
  await operate(balance.credit, { amount_usd: '150.00', cause: 'e2e' })
  const places = [
    await operate(locations.create, { name: 'Lindenhof Noord' }),
    await operate(locations.create, { name: 'Lindenhof Zuid' }),
  ] as const
  const add = adder(database, tenant_id)
  const people: SeededPerson[] = []
  const groupIds: string[] = []
  for (const [index, [name, names]] of Object.entries(CLASSES).entries()) {
    const location_id = places[index]?.id ?? places[0].id
    const group = await operate(groups.create, { name, location_id })
    groupIds.push(group.id)
    for (const one of names) people.push(await add({ name: one, kind: 'student', location_id, group_ids: [group.id] }))
  }
  const owner = await add({ name: 'Marijke van Dijk', kind: 'staff', role: 'owner' })
  const teacher = await add({ name: 'Jeroen Hendriks', kind: 'staff', location_id: places[0].id })
  await operate(groups.setLeads, { group_id: groupIds[0], member_ids: [teacher.id] })
  const admin = await add({
    name: 'Willemijn Verhoeven',
    kind: 'staff',
    role: 'admin',
    location_id: places[0].id,
    scope_location_ids: [places[0].id],
  })
  people.push(owner, admin, teacher)
  const member = named(people, 'Sanne de Vries')
  const homework = await operate(keys.create, { member_id: member.id, name: 'Homework', budget_usd: '5.00' })
  return {
    tenant_id,
    slug,
    owner,
    admin,
    member,
    teacher,
    people,
    locations: places.map((place) => place.name),
    location_ids: places.map((place) => place.id),
    groups: groupIds,
    member_secret: homework.secret ?? '',
  }
}

/** A company, with one office and nothing used yet. */
export async function seedCompany(database: Database, { slug, name }: { slug: string; name: string }): Promise<Seeded> {
  const tenant_id = newId('tenant')
  const operate = operatorOf(database, tenant_id)
  await operate(tenants.create, {
    slug,
    kind: 'company',
    name,
    time_zone: 'Europe/London',
    accent_color: 'indigo',
  })
  const office = await operate(locations.create, { name: 'Bristol' })
  const add = adder(database, tenant_id)
  const owner = await add({ name: 'Helen Marchetti', kind: 'employee', role: 'owner' })
  const people = [owner]
  for (const one of ['Callum Fraser', 'Wei Zhang', 'Beatriz Gonçalves', 'Oliver Pemberton']) {
    people.push(await add({ name: one, kind: 'employee', location_id: office.id }))
  }
  const member = named(people, 'Callum Fraser')
  return {
    tenant_id,
    slug,
    owner,
    admin: owner,
    member,
    people,
    locations: ['Bristol'],
    location_ids: [office.id],
    groups: [],
    member_secret: '',
  }
}

function adder(database: Database, tenant_id: string) {
  const operate = operatorOf(database, tenant_id)
  return async (person: { name: string; kind: string; [field: string]: unknown }): Promise<SeededPerson> => {
    const email = `${person.name
      .normalize('NFD')
      .replace(/[^a-zA-Z]+/g, '.')
      .toLowerCase()}@${tenant_id.slice(-6)}.example`
    const { id, name } = await operate(members.create, { ...person, email })
    if (!WITHOUT_ACCOUNT.has(name)) {
      await createAccount(database, { tenant_id, member_id: id, email, password: PASSWORD })
    }
    return { id, name, email }
  }
}

export function named(people: readonly SeededPerson[], name: string): SeededPerson {
  const found = people.find((person) => person.name === name)
  if (found === undefined) throw new Error(`${name} is not in this scenario`)
  return found
}
