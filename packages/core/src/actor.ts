/** What may be done, as `noun:verb`. `public` needs nobody, `own` any signed-in person, `platform:write` an operator. */
export const PERMISSIONS = [
  'tenant:read',
  'tenant:write',
  'locations:read',
  'locations:write',
  'groups:read',
  'groups:write',
  'members:read',
  'members:write',
  'keys:read',
  'keys:write',
  'allocations:read',
  'allocations:write',
  'providers:read',
  'providers:write',
  'rules:read',
  'rules:write',
  'usage:read',
  'balance:read',
  'billing:read',
  'billing:write',
  'service_tokens:read',
  'service_tokens:write',
  'audit:read',
] as const

export type TenantPermission = (typeof PERMISSIONS)[number]
export type Permission = TenantPermission | 'public' | 'own' | 'platform:write'

export const ROLES = ['owner', 'admin', 'auditor', 'billing', 'member'] as const
export type Role = (typeof ROLES)[number]

/** Who is calling. Made by `auth` (people, service tokens) or by the operator's own tools; never from a request's fields. */
export type Actor =
  | {
      kind: 'user'
      tenant_id: string
      user_id: string
      member_id: string
      role: Role
      /** Locations this person may see and change; null is the whole tenant. */
      location_ids: string[] | null
      /** Groups a member leads, and outside of which they see nobody; null for the other roles, which no group confines. */
      group_ids: string[] | null
    }
  | { kind: 'service_token'; tenant_id: string; token_id: string; permissions: TenantPermission[] }
  /** Acts for a tenant or, where that is null, for the platform itself: on providers and prices of its own. */
  | { kind: 'operator'; tenant_id: string | null; name: string }
  | { kind: 'anonymous' }

/** What the money is and where it comes from: for owners and for who looks after the bills. Others learn whether there is enough. */
const MONEY: ReadonlySet<Permission> = new Set<Permission>(['balance:read', 'billing:read', 'billing:write'])
const READS = PERMISSIONS.filter((permission) => permission.endsWith(':read') && !MONEY.has(permission))

const ROLE_PERMISSIONS: Record<Role, ReadonlySet<Permission>> = {
  owner: new Set<Permission>([...PERMISSIONS, 'own', 'public']),
  admin: new Set<Permission>([
    ...PERMISSIONS.filter((one) => one !== 'service_tokens:write' && !MONEY.has(one)),
    'own',
    'public',
  ]),
  auditor: new Set<Permission>([...READS, 'own', 'public']),
  billing: new Set<Permission>(['tenant:read', ...MONEY, 'own', 'public']),
  member: new Set<Permission>(['tenant:read', 'own', 'public']),
}

/** What a member may besides who leads a group, of its people alone. */
const LEAD_PERMISSIONS: ReadonlySet<Permission> = new Set<Permission>([
  'locations:read',
  'groups:read',
  'members:read',
  'keys:read',
  'keys:write',
  'usage:read',
])

export function may(actor: Actor, permission: Permission): boolean {
  switch (actor.kind) {
    case 'user':
      // What concerns the tenant as a whole is not for those who look after some of its locations.
      if (actor.location_ids !== null && WHOLE_TENANT.has(permission)) return false
      if (isLead(actor) && LEAD_PERMISSIONS.has(permission)) return true
      return ROLE_PERMISSIONS[actor.role].has(permission)
    case 'service_token':
      return permission === 'public' || (actor.permissions as Permission[]).includes(permission)
    case 'operator':
      return permission !== 'own'
    case 'anonymous':
      return permission === 'public'
  }
}

const WHOLE_TENANT: ReadonlySet<Permission> = new Set<Permission>([
  'tenant:write',
  'locations:write',
  'balance:read',
  'billing:read',
  'billing:write',
  'allocations:read',
  'allocations:write',
  'providers:read',
  'providers:write',
  'rules:write',
  'service_tokens:read',
  'service_tokens:write',
  'audit:read',
])

/** Whether this is a member, without another role, who leads groups: a teacher. */
export function isLead(actor: Actor): boolean {
  return actor.kind === 'user' && actor.role === 'member' && (actor.group_ids ?? []).length > 0
}

/** Whose things an actor works on: a tenant's, by its id, or the platform's own, null. */
export function ownerOf(actor: Actor): string | null {
  return actor.kind === 'anonymous' ? null : actor.tenant_id
}

/** The id under which an actor's acts are recorded. */
export function actorId(actor: Actor): string {
  switch (actor.kind) {
    case 'user':
      return actor.member_id
    case 'service_token':
      return actor.token_id
    case 'operator':
      return `operator:${actor.name}`
    case 'anonymous':
      return 'anonymous'
  }
}
