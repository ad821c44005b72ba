import { withPlatform } from '@stipend/db'
import { stripe_events } from '@stipend/db/schema'
import { and, asc, eq, isNull, lte, or, sql } from 'drizzle-orm'
import { isMissing } from './stripe.ts'
import { type Outcome, type SyncDeps, syncPointer } from './sync.ts'

export type InboxLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export type InboxDeps = SyncDeps & { log: InboxLog }

/** Attempts come after 10 s, 20 s, 40 s … and at most an hour apart, for as long as it takes. */
const RETRY_SECONDS = 10
const RETRY_SECONDS_MAX = 3_600
const BATCH = 100

/** What is told of things we don't look at is kept as well, and needs nothing done. */
const LOOKED_AT = /^(?:checkout\.session|payment_intent|charge|refund)\./

/**
 * Takes an event in: checks its signature on the raw body and remembers that it came, once for its id. Answers its id if there is
 * something to be done about it: `processEvent` does that, now or later. Throws `invalid_request` for what isn't Stripe's.
 */
export async function receiveEvent(deps: InboxDeps, body: Buffer, signature: string): Promise<string | null> {
  const notice = deps.stripe.readNotice(body, signature)
  const { id, type, is_live, happened_at } = notice
  const object_id = notice.object_id ?? ''
  const outcome =
    is_live !== deps.stripe.is_live
      ? 'another mode'
      : !LOOKED_AT.test(type) || object_id === ''
        ? 'not looked at'
        : null
  const isNew = await withPlatform(deps.database, async (tx) => {
    const rows = await tx
      .insert(stripe_events)
      .values({
        ...{ id, type, is_live, happened_at, object_id, outcome },
        processed_at: outcome === null ? null : sql`clock_timestamp()`,
        // The first attempt is for whoever took it in; should they die, the worker's comes after this.
        next_attempt_at: sql`clock_timestamp() + make_interval(secs => ${RETRY_SECONDS})`,
      })
      .onConflictDoNothing()
      .returning({ id: stripe_events.id })
    return rows.length > 0
  })
  deps.step?.('after remembering the event')
  if (!isNew) deps.log.info({ event: id, type }, 'a Stripe event came again')
  if (outcome === 'another mode') deps.log.warn({ event: id, type, is_live }, 'a Stripe event of another mode')
  return isNew && outcome === null ? id : null
}

/** Does what an event asks for: reads the truth and books it. Throws what went wrong; it is tried again later. */
export async function processEvent(deps: InboxDeps, id: string): Promise<Outcome | 'done before' | 'gone at Stripe'> {
  const event = await withPlatform(deps.database, async (tx) => {
    const [row] = await tx
      .update(stripe_events)
      .set({
        attempts: sql`${stripe_events.attempts} + 1`,
        next_attempt_at: sql`clock_timestamp() + make_interval(secs => least(${RETRY_SECONDS}::int * (2 ^ least(${stripe_events.attempts}, 20)), ${RETRY_SECONDS_MAX}::int))`,
      })
      .where(and(eq(stripe_events.id, id), isNull(stripe_events.processed_at)))
      .returning({
        object_id: stripe_events.object_id,
        type: stripe_events.type,
        began_at: sql<string>`clock_timestamp()::text`,
      })
    return row
  })
  if (event === undefined) return 'done before'
  deps.step?.('before processing the event')
  const outcome = await syncPointer(deps, event.object_id).catch((error: unknown) => {
    if (isMissing(error)) return 'gone at Stripe' as const
    throw error
  })
  deps.step?.('before closing the event')
  await withPlatform(deps.database, (tx) =>
    tx
      .update(stripe_events)
      .set({ processed_at: sql`clock_timestamp()`, outcome })
      // The truth was read after all of these had come, so it is that of all of them.
      .where(
        and(
          eq(stripe_events.object_id, event.object_id),
          isNull(stripe_events.processed_at),
          or(
            eq(stripe_events.id, id),
            sql`${stripe_events.received_at} < ${event.began_at}::timestamptz - interval '1 millisecond'`,
          ),
        ),
      ),
  )
  const line = { event: id, type: event.type, object: event.object_id, outcome }
  if (outcome === 'done') deps.log.info(line, 'a Stripe event is done')
  else deps.log.warn(line, 'a Stripe event that nothing can be booked for')
  return outcome
}

/** Processes what has waited long enough. One that fails is logged and doesn't keep the others waiting. */
export async function processWaiting(deps: InboxDeps, now: Date, signal?: AbortSignal): Promise<number> {
  let done = 0
  for (;;) {
    const due = await withPlatform(deps.database, (tx) =>
      tx
        .select({ id: stripe_events.id })
        .from(stripe_events)
        .where(and(isNull(stripe_events.processed_at), lte(stripe_events.next_attempt_at, now.toISOString())))
        .orderBy(asc(stripe_events.next_attempt_at))
        .limit(BATCH),
    )
    for (const { id } of due) {
      if (signal?.aborted) return done
      try {
        await processEvent(deps, id)
        done += 1
      } catch (error) {
        deps.log.error({ event: id, err: error }, 'a Stripe event could not be processed')
      }
    }
    if (due.length < BATCH) return done
  }
}

/** Processes events as they come in, some at a time; what is left when the process ends is the worker's. */
export function createQueue(deps: InboxDeps, atOnce = 8) {
  const waiting: string[] = []
  const running = new Set<Promise<void>>()
  const startSome = () => {
    while (running.size < atOnce && waiting.length > 0) {
      const id = waiting.shift() as string
      const run = processEvent(deps, id)
        .then(() => {})
        .catch((error: unknown) => deps.log.error({ event: id, err: error }, 'a Stripe event could not be processed'))
        .finally(() => {
          running.delete(run)
          startSome()
        })
      running.add(run)
    }
  }
  return {
    add(id: string): void {
      waiting.push(id)
      startSome()
    },
    /** Resolves when all that was added is done or has failed. */
    async settled(): Promise<void> {
      while (running.size > 0) await Promise.all(running)
    },
    /** Begins nothing more, and waits for what runs. */
    async stop(): Promise<void> {
      waiting.length = 0
      await Promise.all(running)
    },
  }
}
