import type { TenantTx } from '@stipend/db'
import { sql } from 'drizzle-orm'
import type { Actor } from '../actor.ts'
import { DomainError } from '../errors.ts'
import type { Member } from './member.ts'
import { groupsInScope } from './scope.ts'

/**
 * Throws forbidden where changing a person would give the actor that person's power: an invitation goes to the address on file, so
 * whoever may write another's address may become them. People with a role are for owners (and, of a script, for nobody) to
 * change; those who lead groups elsewhere for whoever sees those groups.
 */
export async function requireChangeable(tx: TenantTx, actor: Actor, member: Member): Promise<void> {
  if (isMightier(actor, member)) {
    throw new DomainError('forbidden', 'Only an owner can change somebody who has a role.')
  }
  const visible = groupsInScope(actor)
  if (visible === undefined || member.leads.length === 0) return
  const [row] = await tx.execute<{ elsewhere: number }>(sql`select count(*)::int as elsewhere from group_leads gl
    join groups on groups.tenant_id = gl.tenant_id and groups.id = gl.group_id
    where gl.member_id = ${member.id} and not (${visible})`)
  if ((row?.elsewhere ?? 0) > 0) {
    throw new DomainError(
      'forbidden',
      'This person leads groups outside of your locations. Ask an owner of your organisation.',
    )
  }
}

export function isMightier(actor: Actor, member: { id: string; role: Member['role'] }): boolean {
  if (member.role === 'member' || actor.kind === 'operator') return false
  return !(actor.kind === 'user' && actor.role === 'owner')
}
