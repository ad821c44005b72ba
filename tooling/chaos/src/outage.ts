import { setTimeout as sleep } from 'node:timers/promises'
import { askLittle, type Outcome } from './client.ts'
import type { World } from './world.ts'

const AWAY_MS = 60_000
/** So many people work on, each with a key of their own. */
const PEOPLE = 4
/** What they did before: enough that money is drawn for the minute. */
const REQUESTS_BEFORE = 70
const EVERY_MS = 2_000
/** A refusal that takes longer keeps a tool waiting for nothing. */
const REFUSED_WITHIN_MS = 3_000
const BACK_WITHIN_MS = 15_000

/**
 * A minute without the database: whoever has money drawn goes on as if nothing were, everybody else hears at once when to come back.
 * What was answered is added to `outcomes`, to be found in the ledger afterwards.
 */
export async function spendWithoutDatabase(
  world: World,
  outcomes: Outcome[],
  { wrong, tell, stop }: { wrong: string[]; tell: (line: string) => void; stop: AbortSignal },
): Promise<void> {
  const [gateway] = world.gateways
  if (gateway === undefined) throw new Error('a world without a gateway')
  const scene = await world.addScene()
  const member_id = (await scene.member()).id
  const keyOf = (name: string) => scene.key({ member_id, name, budget_usd: '1' })
  const working = await Promise.all(Array.from({ length: PEOPLE }, (_, i) => keyOf(`at work ${i + 1}`)))
  const late = await keyOf('comes while it is away')

  const ask = async (secret: string) => {
    const nothing = { request_id: null, status: 0, usage: null, retryAfter: null }
    const answer = await askLittle(gateway.url, secret).catch((error: Error) => ({ ...nothing, code: error.message }))
    const { request_id, status, code, usage } = answer
    outcomes.push({ request_id, status, code, marker: '', is_streamed: false, isComplete: status === 200, usage })
    return answer
  }
  const expect = async (key: string, status: number, when: string) => {
    const answer = await ask(key)
    const isRight = answer.status === status && (status === 200) === (answer.retryAfter === null)
    if (!isRight) wrong.push(`${when}: ${answer.status} ${answer.code}, retry-after ${answer.retryAfter}`)
    return isRight
  }
  await Promise.all(
    working.map(async ({ secret }) => {
      for (let i = 0; i < REQUESTS_BEFORE; i++) await expect(secret, 200, 'before the database goes away')
    }),
  )

  const away = world.crashDatabase(AWAY_MS)
  const until = performance.now() + AWAY_MS - 3_000
  const isOver = () => stop.aborted || performance.now() > until
  const went = { on: 0, away: 0 }
  let slowest = 0
  // Until the gateway has noticed.
  await sleep(1_000)
  await Promise.all([
    ...working.map(async ({ secret }, i) => {
      for (await sleep((EVERY_MS / PEOPLE) * i); !isOver(); await sleep(EVERY_MS)) {
        if (await expect(secret, 200, 'with the database away and money drawn')) went.on++
      }
    }),
    (async () => {
      for (; !isOver(); await sleep(EVERY_MS)) {
        const askedAt = performance.now()
        if (await expect(late.secret, 503, 'with the database away and no money drawn')) went.away++
        slowest = Math.max(slowest, performance.now() - askedAt)
      }
    })(),
    away,
  ])
  if (slowest > REFUSED_WITHIN_MS) wrong.push(`a refusal took ${Math.round(slowest)} ms`)
  tell(
    `A minute without PostgreSQL: ${went.on} requests went on, ${went.away} were told to come back, the slowest after ${Math.round(slowest)} ms.`,
  )

  const backBy = performance.now() + BACK_WITHIN_MS
  let { status } = await ask(late.secret)
  while (status !== 200 && performance.now() < backBy) {
    await sleep(250)
    status = (await ask(late.secret)).status
  }
  if (status !== 200) wrong.push(`${BACK_WITHIN_MS} ms after the database is back a new key is answered with ${status}`)
}
