/** Days of the week, as rules name them. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const
export type Day = (typeof DAYS)[number]

/** What the clock on the wall shows. `time` is `HH:MM`, so that two of a day can be compared as texts. */
export type Clock = { day: Day; yesterday: Day; time: string }

const MINUTE_MS = 60_000
const A_DAY_MS = 24 * 60 * MINUTE_MS

/** A moment as people of that zone read it: `21 November 2026 at 10:00 (Europe/Amsterdam)`. */
export function momentInWords(date: Date, timeZone: string): string {
  const text = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    dateStyle: 'long',
    timeStyle: date.getUTCSeconds() === 0 ? 'short' : 'medium',
  }).format(date)
  return `${text} (${timeZone})`
}

const known = new Map<string, { minute: number; clock: Clock }>()

/** What the clocks of a zone show at a moment. Asked again within the same minute, it costs nothing. */
export function clockAt(at: Date, timeZone: string): Clock {
  const minute = Math.floor(at.getTime() / MINUTE_MS)
  const last = known.get(timeZone)
  if (last?.minute === minute) return last.clock
  const local = new Date(localMs(minute * MINUTE_MS, timeZone))
  const day = (local.getUTCDay() + 6) % 7
  const clock: Clock = {
    day: DAYS[day] ?? 'mon',
    yesterday: DAYS[(day + 6) % 7] ?? 'sun',
    time: local.toISOString().slice(11, 16),
  }
  known.set(timeZone, { minute, clock })
  return clock
}

/**
 * Every moment within the week after `at` at which the clocks of a zone show one of these times, in order. A time that the clocks skip
 * counts as the moment they are put forward, one that they show twice as both moments.
 */
export function momentsAfter(at: Date, times: Iterable<string>, timeZone: string): Date[] {
  const from = at.getTime()
  const midnight = Math.floor(localMs(from, timeZone) / A_DAY_MS) * A_DAY_MS
  const moments = new Set<number>()
  for (const time of times) {
    const [hours = 0, minutes = 0] = time.split(':').map(Number)
    for (let days = 0; days <= 8; days++) {
      const shown = midnight + days * A_DAY_MS + (hours * 60 + minutes) * MINUTE_MS
      for (const moment of momentsOf(shown, timeZone)) if (moment > from) moments.add(moment)
    }
  }
  return [...moments].sort((a, b) => a - b).map((ms) => new Date(ms))
}

/** When the clocks of a zone show what a clock in UTC would at `shown`. */
function momentsOf(shown: number, timeZone: string): number[] {
  const [before, after] = [shown - A_DAY_MS, shown + A_DAY_MS].map((ms) => localMs(ms, timeZone) - ms)
  const guesses = [...new Set([shown - (before ?? 0), shown - (after ?? 0)])]
  const exact = guesses.filter((ms) => localMs(ms, timeZone) === shown)
  if (exact.length > 0) return exact
  // Skipped: the clocks are put forward somewhere between the two.
  let [early, late] = [Math.min(...guesses), Math.max(...guesses)]
  while (late - early > MINUTE_MS) {
    const middle = Math.floor((early + late) / 2 / MINUTE_MS) * MINUTE_MS
    if (localMs(middle, timeZone) < shown) early = middle
    else late = middle
  }
  return [late]
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** What the clocks of a zone show at a moment, as the moment at which a clock in UTC shows the same. */
function localMs(ms: number, timeZone: string): number {
  let format = formats.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      calendar: 'gregory',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
    })
    formats.set(timeZone, format)
  }
  const part: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(ms)) part[type] = Number(value)
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = part
  return Date.UTC(year, month - 1, day, hour, minute)
}
