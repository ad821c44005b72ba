import { randomInt } from 'node:crypto'
import { createAccount } from '@stipend/auth'
import {
  type Actor,
  type AnyOperation,
  allocations,
  balance,
  type Dependencies,
  execute,
  groups,
  keys,
  locations,
  members,
  newId,
  PERMISSIONS,
  providers,
  serviceTokens,
  tenants,
} from '@stipend/core'
import type { Database } from '@stipend/db'
import type { z } from 'zod'
import { CONTEXT_TOKENS_MAX, DEMO_MODELS, DEMO_ORGANISATIONS } from './demo-data.ts'
import type { DemoTenant } from './demo-file.ts'
import { HISTORY_DAYS, LESSON_MINUTES, type Worker, writeHistory, writeLesson } from './demo-history.ts'
import type { DemoKey, DemoLesson, DemoOrganisation } from './demo-organisation.ts'

/** At once; each is a transaction or a password to hash. */
const AT_ONCE = 8
const DAY_MS = 24 * 60 * 60 * 1000
const LESSON_MS = 3 * 60 * 60 * 1000
const PROVIDER = 'sandbox'

export type Seeding = { database: Database; masterKey: Buffer; sandboxProviderUrl: string; now: Date }

/**
 * Fills an empty database with two organisations, through the same operations as everybody else's changes: what the demo shows
 * could have been made by hand. Answers all secrets, which can't be read back from the database.
 */
export async function seedDemo(seeding: Seeding): Promise<DemoTenant[]> {
  await connectProvider(seeding)
  const made: DemoTenant[] = []
  for (const organisation of DEMO_ORGANISATIONS) made.push(await seedOrganisation(seeding, organisation))
  return made
}

/** Runs one operation as the platform's operator, for a tenant or for the platform itself, at a moment. */
function asOperator({ database, masterKey }: Seeding, tenant_id: string | null, now: Date) {
  const actor: Actor = { kind: 'operator', tenant_id, name: 'demo' }
  return async <O extends AnyOperation>(operation: O, input: unknown): Promise<z.output<O['output']>> => {
    const request = { request_id: newId('request'), ip: null }
    const dependencies: Dependencies = { database, masterKeys: [masterKey], given: { now } }
    return (await execute(operation, dependencies, actor, input, { request })).output
  }
}

async function connectProvider(seeding: Seeding): Promise<void> {
  const operate = asOperator(seeding, null, seeding.now)
  const base_url = `${seeding.sandboxProviderUrl}/v1`
  const made = { name: PROVIDER, kind: 'openai_compatible', base_url, credential: 'sandbox' }
  const { id } = await operate(providers.create, made)
  await operate(providers.setModels, {
    id,
    models: DEMO_MODELS.map((model) => ({
      dialects: ['chat', 'completions', 'responses', 'messages'],
      context_tokens_max: CONTEXT_TOKENS_MAX,
      ...model,
    })),
  })
}

async function seedOrganisation(seeding: Seeding, organisation: DemoOrganisation): Promise<DemoTenant> {
  const tenant_id = newId('tenant')
  // A month before the first request, so that what follows is in order.
  const began = new Date(seeding.now.getTime() - (HISTORY_DAYS + 1) * DAY_MS)
  const operate = asOperator(seeding, tenant_id, began)
  const { slug, kind, name, time_zone, accent_color } = organisation
  await operate(tenants.create, { slug, kind, name, time_zone, accent_color })
  await operate(balance.credit, organisation.credit)

  const locationIds = new Map<string, string>()
  for (const location of organisation.locations) {
    locationIds.set(location, (await operate(locations.create, { name: location })).id)
  }
  const groupIds = new Map<string, string>()
  for (const group of organisation.groups) {
    const made = await operate(groups.create, { name: group.name, location_id: known(locationIds, group.location) })
    groupIds.set(group.name, made.id)
  }
  const allocation = await operate(allocations.create, organisation.allocation)
  if (organisation.provider !== null) {
    const { models, ...facts } = organisation.provider
    const base_url = `${seeding.sandboxProviderUrl}/v1`
    const { id } = await operate(providers.create, { ...facts, base_url, credential: 'sandbox' })
    await operate(providers.setModels, { id, models })
  }

  const people = await inParallel(organisation.people, async (person) => {
    const location_id = person.location === null ? null : known(locationIds, person.location)
    const { id } = await operate(members.create, {
      name: person.name,
      email: person.email,
      kind: person.kind,
      role: person.role,
      location_id,
      group_ids: person.group === null ? [] : [known(groupIds, person.group)],
      scope_location_ids: person.is_confined && location_id !== null ? [location_id] : [],
    })
    if (!person.has_account) return { id, email: person.email, role: person.role }
    const password = newPassword()
    await createAccount(seeding.database, { tenant_id, member_id: id, email: person.email, password })
    return { id, email: person.email, role: person.role, password }
  })

  for (const { name, lead } of organisation.groups) {
    const member = people.find((person) => person.email === lead)
    if (member !== undefined) {
      await operate(groups.setLeads, { group_id: known(groupIds, name), member_ids: [member.id] })
    }
  }

  const token = await operate(serviceTokens.create, { name: 'Demo', scopes: [...PERMISSIONS] })
  const made: DemoTenant['keys'] = []
  const workers: Worker[] = []
  for (const key of organisation.keys) {
    const member = people.find((person) => person.email === key.email)
    const { id, secret } = await operate(keys.create, {
      ...keyInput(key, began),
      member_id: member?.id,
      allocation_id: key.allocation === null ? null : allocation.id,
    })
    made.push({ id, secret: shown(secret), budget_usd: key.budget_usd })
    workers.push({ secret: shown(secret), pace: key.pace })
  }
  await writeHistory(seeding, workers)
  let lesson: DemoTenant['lesson']
  if (organisation.lesson !== null) {
    const { group } = organisation.lesson
    const pupils = organisation.people.filter((person) => person.group === group && person.has_account)
    const ids = pupils.map(({ email }) => people.find((person) => person.email === email)?.id)
    const begun = await beginLesson(seeding, tenant_id, organisation.lesson, ids)
    made.push(...begun.keys)
    const secrets = begun.keys.map(({ secret }) => secret)
    lesson = { group_id: known(groupIds, group), ends_at: begun.ends_at, secrets }
  }

  const owner = people.find((person) => person.role === 'owner')
  if (owner?.password === undefined) throw new Error(`${slug} has no owner who can sign in`)
  return {
    id: tenant_id,
    slug,
    kind,
    owner: { email: owner.email, password: owner.password },
    service_token: shown(token.secret),
    members: people.map(({ role: _, ...person }) => person),
    keys: made,
    ...(lesson && { lesson }),
  }
}

/** Keys that began twenty minutes ago and end in some hours, and what was done with them so far. */
async function beginLesson(
  seeding: Seeding,
  tenant_id: string,
  { key_name, budget_usd, paces }: DemoLesson,
  member_ids: readonly (string | undefined)[],
): Promise<{ keys: DemoTenant['keys']; ends_at: string }> {
  const began = new Date(seeding.now.getTime() - LESSON_MINUTES * 60 * 1000)
  const operate = asOperator(seeding, tenant_id, began)
  const ends_at = new Date(began.getTime() + LESSON_MS).toISOString()
  const window = { valid_from: began.toISOString(), valid_until: ends_at }
  const made = await inParallel(member_ids, async (member_id) => {
    const { id, secret } = await operate(keys.create, { member_id, name: key_name, budget_usd, ...window })
    return { id, secret: shown(secret), budget_usd }
  })
  await writeLesson(
    seeding,
    made.map(({ secret }, at) => ({ secret, pace: paces[at % paces.length] ?? 0 })),
  )
  return { keys: made, ends_at }
}

function keyInput({ name, budget_usd, renewal, valid_days }: DemoKey, now: Date) {
  const valid_until = valid_days === null ? null : new Date(now.getTime() + valid_days * DAY_MS).toISOString()
  return { name, budget_usd, renewal, valid_from: valid_days === null ? null : now.toISOString(), valid_until }
}

function known(ids: ReadonlyMap<string, string>, name: string): string {
  const id = ids.get(name)
  if (id === undefined) throw new Error(`the demo names ${name}, which it doesn't make`)
  return id
}

function shown(secret: string | null): string {
  if (secret === null) throw new Error('a secret was not shown at its creation')
  return secret
}

/** Without letters and digits that look alike; 80 bits. */
const PASSWORD_LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'

function newPassword(): string {
  const letters = Array.from({ length: 16 }, () => PASSWORD_LETTERS[randomInt(PASSWORD_LETTERS.length)])
  return letters.join('').replace(/(.{4})(?=.)/g, '$1-')
}

async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  let next = 0
  const worker = async () => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as Item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return results
}
