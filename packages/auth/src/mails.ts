import { readStanding } from '@stipend/core'
import {
  type Database,
  dueMails,
  type IdentityTx,
  type MailRef,
  mailsBefore,
  type TenantTx,
  withIdentity,
  withTenant,
} from '@stipend/db'
import { billing_accounts, invitations, mails, members, password_resets, tenants } from '@stipend/db/schema'
import { displayUsd } from '@stipend/money'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { newLinkSecret } from './links.ts'

/** A mail as it is sent. */
export type Mail = { to: string; subject: string; text: string }
/** Delivers a mail or throws. `keep` instead of one: nothing is sent, and mails stay where a developer can read them. */
export type Transport = ((mail: Mail) => Promise<void>) | 'keep'

/** How long a mail that could not be sent waits, after each attempt; after the last it is given up. */
const WAITS_MINUTES = [1, 5, 30, 120, 480]
const BATCH = 50
/** While it is being sent, nobody else takes it. */
const CLAIM_MINUTES = 5

export type SendOptions = { console_url: string; transport: Transport; now: Date; signal?: AbortSignal }

/**
 * Sends the mails whose time has come. The secret of a link is made here, so that it stands in the mail and nowhere else; a mail
 * sent again has another, and the earlier link ends. Answers how many were sent, and what went wrong with the others.
 */
export async function sendDueMails(
  database: Database,
  { console_url, transport, now, signal }: SendOptions,
): Promise<{ sent: number; failed: { id: string; error: unknown }[] }> {
  const done = { sent: 0, failed: [] as { id: string; error: unknown }[] }
  for (const ref of await dueMails(database, now, BATCH)) {
    if (signal?.aborted === true) break
    const mail = await inScope(database, ref, (tx) => prepare(tx, ref, console_url, now))
    if (mail === null) continue
    try {
      if (transport !== 'keep') await transport(mail)
      const kept = transport === 'keep' ? { title: mail.subject, text: mail.text } : {}
      await inScope(database, ref, (tx) =>
        tx
          .update(mails)
          .set({ sent_at: now.toISOString(), last_error: null, ...kept })
          .where(eq(mails.id, ref.id)),
      )
      done.sent += 1
    } catch (error) {
      done.failed.push({ id: ref.id, error })
      await inScope(database, ref, (tx) => postpone(tx, ref.id, now))
    }
  }
  return done
}

function inScope<T>(database: Database, ref: MailRef, work: (tx: TenantTx & IdentityTx) => Promise<T>): Promise<T> {
  return ref.tenant_id === null
    ? withIdentity(database, (tx) => work(tx as TenantTx & IdentityTx))
    : withTenant(database, ref.tenant_id, (tx) => work(tx as TenantTx & IdentityTx))
}

/** Claims a mail and writes it. Null: somebody else has it, or nobody wants it any more. */
async function prepare(tx: TenantTx & IdentityTx, ref: MailRef, console_url: string, now: Date): Promise<Mail | null> {
  const claimed_until = new Date(now.getTime() + CLAIM_MINUTES * 60_000).toISOString()
  const [mail] = await tx
    .update(mails)
    .set({ attempts: sql`${mails.attempts} + 1`, next_attempt_at: claimed_until })
    .where(
      and(
        eq(mails.id, ref.id),
        isNull(mails.sent_at),
        isNull(mails.failed_at),
        sql`${mails.next_attempt_at} <= ${now.toISOString()}::timestamptz`,
      ),
    )
    .returning()
  if (mail === undefined) return null
  if (mail.template === 'balance') {
    const words = await writeBalance(tx, console_url, now)
    if (words === null) await giveUp(tx, mail.id, now)
    return words === null ? null : { to: mail.to_address, ...words }
  }
  const { secret, hash } = newLinkSecret()
  const written =
    mail.template === 'password_reset'
      ? await writeReset(tx, mail.subject_id, hash, now)
      : await writeInvitation(tx, mail.subject_id, hash, now)
  if (written === null) {
    await giveUp(tx, mail.id, now)
    return null
  }
  const path = mail.template === 'password_reset' ? 'password-reset' : 'invitation'
  const link = `${console_url}/${path}?${new URLSearchParams({ token: secret })}`
  return { to: mail.to_address, ...written(link) }
}

async function giveUp(tx: TenantTx & IdentityTx, id: string, now: Date): Promise<void> {
  await tx
    .update(mails)
    .set({ failed_at: now.toISOString(), last_error: 'not wanted any more' })
    .where(eq(mails.id, id))
}

async function postpone(tx: TenantTx & IdentityTx, id: string, now: Date): Promise<void> {
  const [mail] = await tx.select({ attempts: mails.attempts }).from(mails).where(eq(mails.id, id))
  const wait = WAITS_MINUTES[(mail?.attempts ?? 1) - 1]
  await tx
    .update(mails)
    .set({
      last_error: 'the mail server did not take it',
      ...(wait === undefined
        ? { failed_at: now.toISOString() }
        : { next_attempt_at: new Date(now.getTime() + wait * 60_000).toISOString() }),
    })
    .where(eq(mails.id, id))
}

type Written = ((link: string) => { subject: string; text: string }) | null

async function writeInvitation(tx: TenantTx, id: string, secret_hash: Buffer, now: Date): Promise<Written> {
  const [row] = await tx
    .update(invitations)
    .set({ secret_hash })
    .where(
      and(
        eq(invitations.id, id),
        isNull(invitations.accepted_at),
        isNull(invitations.revoked_at),
        sql`${invitations.expires_at} > ${now.toISOString()}::timestamptz`,
      ),
    )
    .returning()
  const [tenant] = await tx.select({ name: tenants.name, time_zone: tenants.time_zone }).from(tenants)
  if (row === undefined || tenant === undefined) return null
  const [member] =
    row.member_id === null
      ? []
      : await tx.select({ name: members.name }).from(members).where(eq(members.id, row.member_id))
  const [inviter] = await tx.select({ name: members.name }).from(members).where(eq(members.id, row.created_by))
  const until = new Intl.DateTimeFormat('en-GB', {
    dateStyle: 'full',
    timeStyle: 'short',
    timeZone: tenant.time_zone,
  }).format(new Date(row.expires_at))
  const hello = member === undefined ? 'Hello,' : `Hello ${member.name},`
  if (row.kind === 'sign_up') {
    return (link) => ({
      subject: `Join ${tenant.name} on Stipend`,
      text: `${hello}\n\nYou asked to join ${tenant.name} on Stipend. Confirm your address and choose a password here:\n\n${link}\n\nThe link works once, until ${until}. If you did not ask for this, do nothing: nobody can join with your address without this mail.\n`,
    })
  }
  const by = inviter === undefined ? `${tenant.name} invites you` : `${inviter.name} of ${tenant.name} invites you`
  return (link) => ({
    subject: `${tenant.name} invites you to Stipend`,
    text: `${hello}\n\n${by} to Stipend, where you get keys for AI coding tools, each with a budget. Choose a password here:\n\n${link}\n\nThe link works once, until ${until}. If you don't know ${tenant.name}, do nothing.\n`,
  })
}

/** Null: there is enough again. */
async function writeBalance(tx: TenantTx, console_url: string, now: Date): Promise<Omit<Mail, 'to'> | null> {
  const { level, available, daily, runs_out_at } = await readStanding(tx, now)
  const [tenant] = await tx.select().from(tenants)
  const [account] = await tx.select().from(billing_accounts)
  if (level === 'enough' || tenant === undefined) return null
  const day = (at: string) =>
    new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeZone: tenant.time_zone }).format(new Date(at))
  const pace = daily > 0n ? ` Lately ${displayUsd(daily)} was spent on a day.` : ''
  const until = runs_out_at === null ? '' : ` At this pace it is used up on ${day(runs_out_at)}.`
  const stopped = account?.stopped_reason == null ? '' : `\n\nAutomatic top-up is waiting: ${account.stopped_reason}`
  const link = `\n\nTop it up here:\n\n${console_url}/t/${tenant.slug}/billing\n`
  return level === 'empty'
    ? {
        subject: `The balance of ${tenant.name} is used up`,
        text: `Hello,\n\nThe balance of ${tenant.name} on Stipend is used up (${displayUsd(available)}). Keys that use the platform's providers are refused.${pace}${stopped}${link}`,
      }
    : {
        subject: `The balance of ${tenant.name} is low`,
        text: `Hello,\n\n${displayUsd(available)} is left of the balance of ${tenant.name} on Stipend.${pace}${until}${stopped}${link}`,
      }
}

async function writeReset(tx: IdentityTx, id: string, secret_hash: Buffer, now: Date): Promise<Written> {
  const [row] = await tx
    .update(password_resets)
    .set({ secret_hash })
    .where(
      and(
        eq(password_resets.id, id),
        isNull(password_resets.used_at),
        sql`${password_resets.expires_at} > ${now.toISOString()}::timestamptz`,
      ),
    )
    .returning()
  if (row === undefined) return null
  return (link) => ({
    subject: 'A new password for Stipend',
    text: `Hello,\n\nSomebody, hopefully you, asked for a new password for your Stipend account. Choose it here:\n\n${link}\n\nThe link works once and for an hour. If it wasn't you, do nothing: your password stays as it is.\n`,
  })
}

const KEPT_DAYS = 30

/** Mails that went out a month ago are history of no use. */
export async function forgetOldMails(database: Database, now: Date): Promise<void> {
  const before = new Date(now.getTime() - KEPT_DAYS * 86_400_000)
  for (const ref of await mailsBefore(database, before, 1000)) {
    await inScope(database, ref, (tx) => tx.delete(mails).where(eq(mails.id, ref.id)))
  }
}

export type KeptMail = { id: string; to: string; subject: string; text: string; sent_at: string }

/** Mails that were kept instead of sent, newest first: for developers, where there is no mail server. */
export async function keptMails(database: Database, now: Date): Promise<KeptMail[]> {
  const kept: KeptMail[] = []
  for (const ref of await mailsBefore(database, new Date(now.getTime() + 60_000), BATCH)) {
    const [mail] = await inScope(database, ref, (tx) => tx.select().from(mails).where(eq(mails.id, ref.id)))
    if (mail === undefined || mail.text === null || mail.sent_at === null) continue
    const { id, to_address: to, title, text, sent_at } = mail
    kept.push({ id, to, subject: title ?? '', text, sent_at })
  }
  return kept
}
