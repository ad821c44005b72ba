import { invitations, mails } from '@stipend/db/schema'
import { and, isNull, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { actorId } from '../actor.ts'
import { selected } from '../members/acts.ts'
import { among } from '../members/people.ts'
import { command } from '../operation.ts'
import {
  INVITATION_DAYS,
  RevokedInvitations,
  RevokeInvitations,
  SendInvitations,
  SentInvitations,
} from './invitation.ts'

const DAY_MS = 86_400_000
/** A mail is on its way for a while: who clicks again sends no second one. */
const AGAIN_AFTER_MS = 60_000

export const send = command({
  name: 'invitations.send',
  permission: 'members:write',
  summary:
    'Invite people by mail: a link, for once, with which they choose a password. Sent again, the earlier link ends.',
  input: SendInvitations,
  output: SentInvitations,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now, newId }) => {
    const people = await selected(tx, actor, input)
    const open = await tx
      .select({ email: invitations.email, created_at: invitations.created_at })
      .from(invitations)
      .where(
        and(
          isNull(invitations.accepted_at),
          isNull(invitations.revoked_at),
          among(
            people.map((one) => one.email),
            sql`invitations.email`,
          ),
        ),
      )
    const invitedAt = new Map(open.map((one) => [one.email, one.created_at]))
    const justNow = new Date(now.getTime() - AGAIN_AFTER_MS).toISOString()
    const skipped: z.output<typeof SentInvitations>['skipped'] = []
    const going = people.filter((one) => {
      const last = invitedAt.get(one.email)
      const reason =
        one.user_id !== null
          ? 'has_account'
          : one.deactivated_at !== null
            ? 'deactivated'
            : last !== undefined && last > justNow
              ? 'just_invited'
              : null
      if (reason !== null) skipped.push({ id: one.id, name: one.name, reason })
      return reason === null
    })
    const output = {
      is_done: !input.dry_run,
      people: going.length,
      again: going.filter((one) => invitedAt.has(one.email)).length,
      skipped: skipped.slice(0, 100),
      skipped_count: skipped.length,
    }
    if (input.dry_run || going.length === 0) return { output, audit: [] }

    const rows = going.map(({ id: member_id, email }) => ({
      id: newId('invitation'),
      member_id,
      email,
      mail_id: newId('mail'),
    }))
    const at = now.toISOString()
    const expires_at = new Date(now.getTime() + INVITATION_DAYS * DAY_MS).toISOString()
    // The earlier link ends at once: its secret is forgotten until the new mail is sent.
    await tx.execute(sql`
      with wanted as (
        select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
          as one (id text, member_id text, email text, mail_id text)
      ), made as (
        insert into invitations as i (id, kind, member_id, email, created_by, created_at, expires_at)
        select id, 'invitation', member_id, email, ${actorId(actor)}, ${at}::timestamptz, ${expires_at}::timestamptz from wanted
        on conflict (tenant_id, email) where accepted_at is null and revoked_at is null
        do update set kind = 'invitation', member_id = excluded.member_id, secret_hash = null,
          created_by = excluded.created_by, created_at = excluded.created_at, expires_at = excluded.expires_at
        returning i.id, i.email
      )
      insert into mails (id, template, to_address, subject_id, created_at, next_attempt_at)
      select w.mail_id, 'invitation', w.email, m.id, ${at}::timestamptz, ${at}::timestamptz from made m join wanted w on w.email = m.email`)
    // Of an invitation that is sent again, a mail that still waits is one too many.
    await tx.delete(mails).where(
      sql`mails.sent_at is null and mails.created_at < ${at}::timestamptz and mails.subject_id in (
        select i.id from invitations i where ${among(
          rows.map((one) => one.email),
          sql`i.email`,
        )})`,
    )
    return { output, audit: going.map((one) => ({ target_id: one.id, after: { invited: true, expires_at } })) }
  },
})

export const revoke = command({
  name: 'invitations.revoke',
  permission: 'members:write',
  summary: 'Withdraw invitations: their links end.',
  input: RevokeInvitations,
  output: RevokedInvitations,
  errors: ['not_found'],
  handle: async ({ tx, actor, input, now }) => {
    const people = await selected(tx, actor, input)
    const gone = await tx
      .update(invitations)
      .set({ revoked_at: now.toISOString() })
      .where(
        and(
          among(
            people.map((one) => one.id),
            sql`invitations.member_id`,
          ),
          isNull(invitations.accepted_at),
          isNull(invitations.revoked_at),
        ),
      )
      .returning({ member_id: invitations.member_id })
    return {
      output: { revoked: gone.length },
      audit: gone.map((one) => ({ target_id: one.member_id ?? '', after: { invited: false } })),
    }
  },
})
