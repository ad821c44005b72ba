import { describe, expect, it } from 'vitest'
import { type Actor, actorId, isLead, may, PERMISSIONS, type Permission, ROLES, type Role } from './actor.ts'

const ALL: Permission[] = [...PERMISSIONS, 'public', 'own', 'platform:write']
const user = (role: Role, location_ids: string[] | null = null, group_ids: string[] | null = null): Actor => ({
  kind: 'user',
  tenant_id: 'ten_a',
  user_id: 'usr_a',
  member_id: 'mem_a',
  role,
  location_ids,
  group_ids,
})
const lacks = (actor: Actor) => ALL.filter((permission) => !may(actor, permission))
const has = (actor: Actor) => ALL.filter((permission) => may(actor, permission))
const writes = PERMISSIONS.filter((permission) => permission.endsWith(':write'))
const money: readonly Permission[] = ['balance:read', 'billing:read', 'billing:write']

describe('who may do what', () => {
  it('an owner everything of the tenant, nobody of a tenant what is the platform’s', () => {
    expect(lacks(user('owner'))).toEqual(['platform:write'])
    for (const role of ROLES) expect(may(user(role), 'platform:write')).toBe(false)
  })

  it('an admin all but making service tokens and what the money is', () => {
    expect(lacks(user('admin'))).toEqual([...money, 'service_tokens:write', 'platform:write'])
  })

  it('an auditor reads all and changes nothing', () => {
    const closed = PERMISSIONS.filter((one) => writes.includes(one) || money.includes(one))
    expect(lacks(user('auditor'))).toEqual([...closed, 'platform:write'])
  })

  it('a member their own', () => {
    expect(has(user('member'))).toEqual(['tenant:read', 'public', 'own'])
  })

  it('one who looks after the money that, and nothing of people', () => {
    expect(has(user('billing'))).toEqual(['tenant:read', ...money, 'public', 'own'])
  })

  it('a member who leads groups looks after their keys, and changes nothing else', () => {
    const teacher = user('member', null, ['grp_a'])
    expect(has(teacher)).toEqual([
      'tenant:read',
      'locations:read',
      'groups:read',
      'members:read',
      'keys:read',
      'keys:write',
      'usage:read',
      'public',
      'own',
    ])
    expect(isLead(teacher)).toBe(true)
    for (const none of [[], null]) expect(has(user('member', null, none))).toEqual(has(user('member')))
  })

  it('leading groups adds nothing to another role', () => {
    for (const role of ['owner', 'admin', 'auditor', 'billing'] as const) {
      expect(has(user(role, null, ['grp_a']))).toEqual(has(user(role)))
      expect(isLead(user(role, null, ['grp_a']))).toBe(false)
    }
  })

  it('those of some locations nothing of the tenant as a whole', () => {
    expect(has(user('admin', ['loc_a']))).toEqual([
      'tenant:read',
      'locations:read',
      'groups:read',
      'groups:write',
      'members:read',
      'members:write',
      'keys:read',
      'keys:write',
      'rules:read',
      'usage:read',
      'public',
      'own',
    ])
    expect(has(user('auditor', []))).not.toContain('balance:read')
    expect(has(user('auditor', ['loc_a'])).filter((permission) => permission.endsWith(':write'))).toEqual([])
  })

  it('a service token what it was given; nobody the public; an operator all but what is a person’s own', () => {
    const token: Actor = { kind: 'service_token', tenant_id: 'ten_a', token_id: 'tok_a', permissions: ['keys:read'] }
    expect(has(token)).toEqual(['keys:read', 'public'])
    expect(has({ kind: 'anonymous' })).toEqual(['public'])
    expect(lacks({ kind: 'operator', tenant_id: 'ten_a', name: 'ops' })).toEqual(['own'])
  })
})

it('an act is recorded under whoever did it', () => {
  const token: Actor = { kind: 'service_token', tenant_id: 'ten_a', token_id: 'tok_a', permissions: [] }
  const actors: Actor[] = [
    user('owner'),
    token,
    { kind: 'operator', tenant_id: 'ten_a', name: 'ops' },
    { kind: 'anonymous' },
  ]
  expect(actors.map(actorId)).toEqual(['mem_a', 'tok_a', 'operator:ops', 'anonymous'])
})
