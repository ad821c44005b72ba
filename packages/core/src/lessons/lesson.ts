import { z } from 'zod'
import { Instant, InstantInput, UsdOutput } from '../fields.ts'
import { idSchema } from '../id.ts'
import { type Budget, Key } from '../keys/key.ts'

export const LESSON_STATES = ['idle', 'working', 'near_end', 'out', 'paused', 'blocked', 'no_key'] as const
export type LessonState = (typeof LESSON_STATES)[number]

/** Who asked something this recently is working. Shorter, and a class that reads its answers would flicker. */
export const WORKING_SECONDS = 60
/** From here on a budget is near its end, in percent. */
const NEAR_END_PERCENT = 85n
/** A tenth of a cent: no answer of any use can be had for less. */
const OUT_BELOW_NANOS = 1_000_000n

export const LessonPerson = z.strictObject({
  member_id: idSchema('member'),
  member_name: z.string(),
  state: z.enum(LESSON_STATES),
  is_working: z.boolean().describe('A request runs, or one was made within the last minute.'),
  last_used_at: Instant.nullable(),
  spent_today_usd: UsdOutput.describe(
    'With all of their keys, since midnight of the tenant’s clock, full hours of it.',
  ),
  key: Key.nullable().describe('The key they work with: one that works now before one that doesn’t, then the newest.'),
  paused_group_ids: z
    .array(idSchema('group'))
    .describe('Groups in whose lessons keys of theirs were paused and not resumed so far.'),
})
export type LessonPerson = z.infer<typeof LessonPerson>

export const Lesson = z.strictObject({
  group_id: idSchema('group'),
  group_name: z.string().meta({ examples: ['Class 3A'] }),
  at: Instant,
  people: z.array(LessonPerson),
})

export const PauseLesson = z.strictObject({
  group_id: idSchema('group'),
  member_ids: z
    .array(idSchema('member'))
    .min(1)
    .max(1000)
    .optional()
    .describe('Only these people of the group. Left out: all of them.'),
})
export type PauseLesson = z.infer<typeof PauseLesson>

export const Paused = z.strictObject({
  keys_count: z.number().int().describe('Keys that have changed.'),
  members_count: z.number().int().describe('People they belong to.'),
})

export const EndLesson = z.strictObject({
  group_id: idSchema('group'),
  ends_at: InstantInput.describe('From this time on the keys of the lesson are refused.'),
})

/** The state of a person in a lesson: the worst that is true. */
export function lessonState(
  key: (Pick<Key, 'status' | 'paused_group_id'> & { budget: Pick<Budget, 'renewal'> }) | null,
  left: { limit: bigint; remaining: bigint } | null,
  isWorking: boolean,
): LessonState {
  if (key === null) return 'no_key'
  if (key.paused_group_id !== null && key.status === 'disabled') return 'paused'
  if (key.status !== 'active') return 'blocked'
  if (left !== null && key.budget.renewal !== 'when_used_up') {
    if (left.remaining < OUT_BELOW_NANOS) return 'out'
    if ((left.limit - left.remaining) * 100n >= left.limit * NEAR_END_PERCENT) return 'near_end'
  }
  return isWorking ? 'working' : 'idle'
}
