import { createHash } from 'node:crypto'
import type { Member } from '../members/member.ts'
import type { ImportRow, Summary } from './import.ts'
import type { Context, Group, Place, Problem, RosterRow } from './roster.ts'

/** What is there already, as far as a file can touch it. Names and addresses are compared in lower case. */
export type State = {
  members: KnownMember[]
  locations: { id: string; name: string; external_id: string | null }[]
  groups: { id: string; name: string; external_id: string | null; location_id: string }[]
}
export type KnownMember = {
  id: string
  name: string
  email: string
  kind: Member['kind']
  external_id: string | null
  location_id: string | null
  is_active: boolean
  /** Whether the actor sees and may change them. */
  is_visible: boolean
  is_mightier: boolean
  group_ids: string[]
  lead_ids: string[]
}

/** What the actor may make on the way, and where. */
export type Powers = {
  newLocations: boolean
  newGroups: boolean
  isConfined: boolean
  newId: (kind: 'member' | 'location' | 'group') => string
}

export type MemberValues = Pick<KnownMember, 'id' | 'name' | 'email' | 'kind' | 'external_id' | 'location_id'>

export type Plan = {
  rows: ImportRow[]
  summary: Summary
  /** Equal for equal acts on an equal state, whatever ids are made. */
  fingerprint: string
  locations: { id: string; name: string; external_id: string | null; isNew: boolean }[]
  groups: { id: string; name: string; external_id: string | null; location_id: string; isNew: boolean }[]
  added: MemberValues[]
  changed: (MemberValues & { reactivates: boolean })[]
  memberships: { group_id: string; member_id: string }[]
  leads: { group_id: string; member_id: string }[]
  ended: { group_id: string; member_id: string }[]
  deactivated: string[]
}

const key = (text: string) => text.trim().toLowerCase()

/** Works out what a roster would do to a state. Pure: the same twice gives the same, and after applying it there is nothing left to do. */
export function planImport(roster: readonly RosterRow[], state: State, context: Context, powers: Powers): Plan {
  const places = new Places(state, powers)
  const people = merge(roster)
  const byEmail = new Map(state.members.map((one) => [key(one.email), one]))
  const byExternal = new Map(
    state.members.flatMap((one) => (one.external_id === null ? [] : [[one.external_id, one] as const])),
  )
  const plan: Omit<Plan, 'rows' | 'summary' | 'fingerprint' | 'locations' | 'groups'> = {
    added: [],
    changed: [],
    memberships: [],
    leads: [],
    ended: [],
    deactivated: [],
  }
  const rows: ImportRow[] = []
  const addresses = new Set(people.map(({ first }) => first.email))
  const externalIds = new Set(people.map(({ first }) => first.external_id))
  const seen = new Set<string>()
  const homes = new Set<string | null>()

  for (const person of people) {
    const { first } = person
    const base = { file: first.file, line: first.line, name: first.name, email: first.email }
    const done = (outcome: ImportRow['outcome'], more: Partial<ImportRow> = {}) => {
      rows.push({ ...base, member_id: null, reason: null, changes: [], outcome, ...more })
      for (const other of person.others) {
        const { file, line, name, email } = other
        rows.push({ file, line, name, email, member_id: null, reason: null, changes: [], outcome: 'merged' })
      }
    }
    if (first.problem !== null) {
      done('skip', { reason: first.problem })
      continue
    }
    const ofEmail = byEmail.get(first.email)
    const ofId = first.external_id === null ? undefined : byExternal.get(first.external_id)
    const known = ofEmail ?? ofId
    if (known !== undefined) seen.add(known.id)
    const refuse = (reason: Problem) =>
      done('skip', { reason, member_id: known?.is_visible === true ? known.id : null })
    if (ofEmail?.is_visible === false || ofId?.is_visible === false) {
      refuse('address_taken')
      continue
    }
    // Whoever has the address is meant by it; an id that points to somebody else who is in the file themselves is a mistake,
    // and so is a new id for somebody whose old one the file gives to another.
    const isAnothers = ofEmail === undefined && ofId !== undefined && addresses.has(key(ofId.email))
    const isTraded =
      known?.external_id != null &&
      first.external_id !== null &&
      known.external_id !== first.external_id &&
      externalIds.has(known.external_id)
    if (isAnothers || isTraded || (ofEmail !== undefined && ofId !== undefined && ofEmail !== ofId)) {
      refuse('two_people')
      continue
    }
    const home = places.location(first.location) ?? (first.location === null ? undefined : null)
    if (home === null) {
      refuse('location_unknown')
      continue
    }
    const location_id = home ?? known?.location_id ?? context.settings.default_location_id
    if (location_id === null && powers.isConfined) {
      refuse('location_needed')
      continue
    }
    homes.add(location_id)
    const ids = (groups: readonly Group[]) => [
      ...new Set(groups.flatMap((group) => places.group(group, location_id) ?? [])),
    ]
    const [groupIds, leadIds] = [ids(person.groups), ids(person.leads)]

    if (known === undefined) {
      const kind = first.kind ?? context.settings.default_kind
      const id = powers.newId('member')
      plan.added.push({ id, name: first.name, email: first.email, kind, external_id: first.external_id, location_id })
      plan.memberships.push(...groupIds.map((group_id) => ({ group_id, member_id: id })))
      plan.leads.push(...(kind === 'student' ? [] : leadIds.map((group_id) => ({ group_id, member_id: id }))))
      done('add', {
        changes: changesOf([
          ['location', null, places.nameOf(location_id)],
          ['groups', null, places.names(groupIds)],
          ['leads', null, kind === 'student' ? null : places.names(leadIds)],
        ]),
      })
      continue
    }

    const values = {
      name: first.name,
      email: first.email,
      kind: first.kind ?? known.kind,
      external_id: first.external_id ?? known.external_id,
      location_id,
    }
    const joined = groupIds.filter((id) => !known.group_ids.includes(id))
    const leading = values.kind === 'student' ? [] : leadIds.filter((id) => !known.lead_ids.includes(id))
    const left =
      context.settings.replace_groups && person.groups.length > 0
        ? known.group_ids.filter((id) => !groupIds.includes(id) && places.isKnown(id))
        : []
    const reactivates = context.settings.reactivate && !known.is_active
    const groupsAfter = [...known.group_ids.filter((id) => !left.includes(id)), ...joined]
    const changes = changesOf([
      ['name', known.name, values.name],
      ['email', known.email, values.email],
      ['kind', known.kind, values.kind],
      ['location', places.nameOf(known.location_id), places.nameOf(values.location_id)],
      ['external_id', known.external_id, values.external_id],
      ['groups', places.names(known.group_ids), places.names(groupsAfter)],
      ['leads', places.names(known.lead_ids), places.names([...known.lead_ids, ...leading])],
      ['state', known.is_active ? 'active' : 'deactivated', known.is_active || reactivates ? 'active' : 'deactivated'],
    ])
    if (changes.length === 0) {
      done('unchanged', { member_id: known.id })
      continue
    }
    if (known.is_mightier) {
      refuse('has_role')
      continue
    }
    const isChanged = changes.some((one) => one.field !== 'groups' && one.field !== 'leads')
    if (isChanged) plan.changed.push({ id: known.id, ...values, reactivates })
    plan.memberships.push(...joined.map((group_id) => ({ group_id, member_id: known.id })))
    plan.leads.push(...leading.map((group_id) => ({ group_id, member_id: known.id })))
    plan.ended.push(...left.map((group_id) => ({ group_id, member_id: known.id })))
    done('change', { member_id: known.id, changes })
  }

  if (context.settings.deactivate_missing) {
    const kinds = new Set(people.map(({ first }) => first.kind ?? context.settings.default_kind))
    for (const one of state.members) {
      const isMeant =
        one.is_active && one.is_visible && !one.is_mightier && kinds.has(one.kind) && homes.has(one.location_id)
      if (!isMeant || seen.has(one.id)) continue
      plan.deactivated.push(one.id)
      rows.push({
        file: null,
        line: null,
        name: one.name,
        email: one.email,
        member_id: one.id,
        outcome: 'deactivate',
        reason: null,
        changes: [{ field: 'state', before: 'active', after: 'deactivated' }],
      })
    }
  }
  const { locations, groups } = places
  return {
    ...plan,
    locations,
    groups,
    rows,
    summary: summaryOf(roster.length, rows, places),
    fingerprint: fingerprintOf(rows, places),
  }
}

type Person = { first: RosterRow; others: RosterRow[]; groups: Group[]; leads: Group[] }

/** One person for all rows with an address, or an id; the first row with something to say of them has the say. */
function merge(roster: readonly RosterRow[]): Person[] {
  const people: Person[] = []
  const byEmail = new Map<string, Person>()
  const byId = new Map<string, Person>()
  for (const row of roster) {
    const found =
      row.problem === null
        ? (byEmail.get(row.email) ?? (row.external_id === null ? undefined : byId.get(row.external_id)))
        : undefined
    if (found === undefined) {
      const person = { first: row, others: [], groups: row.groups, leads: row.leads }
      people.push(person)
      if (row.problem !== null) continue
      byEmail.set(row.email, person)
      if (row.external_id !== null) byId.set(row.external_id, person)
      continue
    }
    found.others.push(row)
    found.groups = [...found.groups, ...row.groups]
    found.leads = [...found.leads, ...row.leads]
    found.first = {
      ...found.first,
      external_id: found.first.external_id ?? row.external_id,
      kind: found.first.kind ?? row.kind,
      location: found.first.location ?? row.location,
    }
  }
  return people
}

/** Locations and groups by what a file calls them; those that are new are made up on first mention. */
class Places {
  readonly locations: Plan['locations'] = []
  readonly groups: Plan['groups'] = []
  readonly #powers: Powers
  readonly #locationNames = new Map<string, string>()
  readonly #groupNames = new Map<string, string>()
  readonly #locationBy = new Map<string, string>()
  readonly #groupBy = new Map<string, string>()
  readonly #withoutId = new Set<string>()

  constructor(state: State, powers: Powers) {
    this.#powers = powers
    for (const one of state.locations) this.#learnLocation(one)
    for (const one of state.groups) this.#learnGroup(one)
  }

  #learnLocation({ id, name, external_id }: { id: string; name: string; external_id: string | null }): void {
    this.#locationNames.set(id, name)
    this.#locationBy.set(`name ${key(name)}`, id)
    if (external_id === null) this.#withoutId.add(id)
    else this.#locationBy.set(`id ${external_id}`, id)
  }

  #learnGroup({ id, name, external_id, location_id }: State['groups'][number]): void {
    this.#groupNames.set(id, name)
    this.#groupBy.set(`name ${location_id} ${key(name)}`, id)
    if (external_id === null) this.#withoutId.add(id)
    else this.#groupBy.set(`id ${external_id}`, id)
  }

  find(place: Place | null): string | undefined {
    if (place === null) return undefined
    const byId = place.external_id === null ? undefined : this.#locationBy.get(`id ${place.external_id}`)
    return byId ?? (place.name === null ? undefined : this.#locationBy.get(`name ${key(place.name)}`))
  }

  /** Undefined where there is none and none may be made. */
  location(place: Place | null): string | undefined {
    if (place === null) return undefined
    const found = this.find(place)
    if (found !== undefined) {
      if (place.external_id !== null && this.#withoutId.has(found) && this.#powers.newLocations) {
        this.#withoutId.delete(found)
        const name = this.#locationNames.get(found) ?? ''
        this.locations.push({ id: found, name, external_id: place.external_id, isNew: false })
        this.#locationBy.set(`id ${place.external_id}`, found)
      }
      return found
    }
    if (place.name === null || !this.#powers.newLocations) return undefined
    const made = { id: this.#powers.newId('location'), name: place.name.slice(0, 200), external_id: place.external_id }
    this.locations.push({ ...made, isNew: true })
    this.#learnLocation(made)
    return made.id
  }

  /** Undefined where there is none, and none may be made or there is no telling where. */
  group(group: Group, homeId: string | null): string | undefined {
    const byId = group.external_id === null ? undefined : this.#groupBy.get(`id ${group.external_id}`)
    if (byId !== undefined) return byId
    const location_id = group.location === null ? homeId : (this.location(group.location) ?? null)
    if (group.name === null || location_id === null) return undefined
    const byName = this.#groupBy.get(`name ${location_id} ${key(group.name)}`)
    if (byName !== undefined && (group.external_id === null || this.#withoutId.has(byName))) {
      if (group.external_id !== null) {
        this.#withoutId.delete(byName)
        const name = this.#groupNames.get(byName) ?? ''
        this.groups.push({ id: byName, name, external_id: group.external_id, location_id, isNew: false })
        this.#groupBy.set(`id ${group.external_id}`, byName)
      }
      return byName
    }
    if (!this.#powers.newGroups) return undefined
    // Two classes of one name in a school are told apart by their ids.
    const name = byName === undefined ? group.name : `${group.name} (${group.external_id})`
    const made = {
      id: this.#powers.newId('group'),
      name: name.slice(0, 200),
      external_id: group.external_id,
      location_id,
    }
    this.groups.push({ ...made, isNew: true })
    this.#learnGroup(made)
    return made.id
  }

  isKnown(groupId: string): boolean {
    return this.#groupNames.has(groupId)
  }

  nameOf(locationId: string | null): string | null {
    return locationId === null ? null : (this.#locationNames.get(locationId) ?? null)
  }

  names(groupIds: readonly string[]): string | null {
    const names = groupIds.map((id) => this.#groupNames.get(id) ?? '…').toSorted()
    return names.length === 0 ? null : names.join(', ')
  }
}

function changesOf(fields: readonly [ImportRow['changes'][number]['field'], string | null, string | null][]) {
  return fields.flatMap(([field, before, after]) => (before === after ? [] : [{ field, before, after }]))
}

function summaryOf(count: number, rows: readonly ImportRow[], places: Places): Summary {
  const of = (outcome: ImportRow['outcome']) => rows.filter((row) => row.outcome === outcome).length
  const groups = places.groups.filter((one) => one.isNew)
  return {
    rows: count,
    add: of('add'),
    change: of('change'),
    unchanged: of('unchanged'),
    merged: of('merged'),
    skip: of('skip'),
    deactivate: of('deactivate'),
    new_locations: places.locations.filter((one) => one.isNew).map((one) => one.name),
    new_groups: groups.slice(0, 100).map((one) => one.name),
    new_groups_count: groups.length,
  }
}

function fingerprintOf(rows: readonly ImportRow[], places: Places): string {
  const made = [...places.locations, ...places.groups].map(({ name, external_id }) => [name, external_id])
  return createHash('sha256')
    .update(JSON.stringify([rows, made]))
    .digest('hex')
    .slice(0, 32)
}
