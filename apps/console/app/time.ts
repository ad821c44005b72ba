/**
 * Times as people read them: in the tenant's zone, whatever the browser's is. A `local` time is what a picker gives,
 * `YYYY-MM-DD HH:mm:ss` on the tenant's wall clock; an instant is RFC 3339 in UTC.
 */

const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2}))?)?$/
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/**
 * The instant of a wall-clock time in a zone. A time that the clock skips in spring means the one as far after the gap; of
 * a time it shows twice in autumn the first is meant.
 */
export function localToInstant(local: string, zone: string): string {
  const wall = parseLocal(local)
  // The offset on either side of any change near it: a wall time is read with the one before the change first.
  const before = wall - offsetAt(wall - DAY, zone)
  const after = wall - offsetAt(wall + DAY, zone)
  const fits = [before, after].filter((instant) => instant + offsetAt(instant, zone) === wall)
  return new Date(fits.length > 0 ? Math.min(...fits) : before).toISOString()
}

/** What the wall clock of a zone shows at an instant. */
export function instantToLocal(instant: string | Date, zone: string): string {
  const at = new Date(instant).getTime()
  return new Date(at + offsetAt(at, zone)).toISOString().slice(0, 19).replace('T', ' ')
}

/** The first moment of the day `days` after the one an instant falls on, in a zone. */
export function startOfDay(instant: string | Date, zone: string, days = 0): string {
  const day = new Date(parseLocal(instantToLocal(instant, zone).slice(0, 10)) + days * DAY)
  return localToInstant(day.toISOString().slice(0, 10), zone)
}

/** The first moment of next Monday. */
export function startOfNextWeek(instant: string | Date, zone: string): string {
  const weekday = new Date(parseLocal(instantToLocal(instant, zone).slice(0, 10))).getUTCDay()
  return startOfDay(instant, zone, (8 - weekday) % 7 || 7)
}

/**
 * When the next long holidays begin, near enough for a key: the Saturday before Christmas or before the middle of July, whichever is
 * next and at least a week away. The form says the day, and another can be chosen.
 */
export function startOfHolidays(instant: string | Date, zone: string): string {
  const today = parseLocal(instantToLocal(instant, zone).slice(0, 10))
  const year = new Date(today).getUTCFullYear()
  const begins = [Date.UTC(year, 6, 15), Date.UTC(year, 11, 25), Date.UTC(year + 1, 6, 15)].map((middle) => {
    const day = new Date(middle)
    return middle - ((day.getUTCDay() + 1) % 7 || 7) * DAY
  })
  const next = begins.find((day) => day - today >= 7 * DAY) ?? today
  return localToInstant(new Date(next).toISOString().slice(0, 10), zone)
}

/** 14:05 */
export function clock(instant: string | Date, zone: string): string {
  return instantToLocal(instant, zone).slice(11, 16)
}

/** 21 Nov, with the year when it isn't this one. */
export function day(instant: string | Date, zone: string, now: Date): string {
  const [year, month, date] = instantToLocal(instant, zone).slice(0, 10).split('-').map(Number) as [
    number,
    number,
    number,
  ]
  const name = `${date} ${MONTHS[month - 1]}`
  return instantToLocal(now, zone).startsWith(String(year)) ? name : `${name} ${year}`
}

/** today 14:05, tomorrow 09:00, 24 Nov 09:00 */
export function dayAndClock(instant: string | Date, zone: string, now: Date): string {
  return `${relativeDay(instant, zone, now)} ${clock(instant, zone)}`
}

export function relativeDay(instant: string | Date, zone: string, now: Date): string {
  switch (daysBetween(now, instant, zone)) {
    case -1:
      return 'yesterday'
    case 0:
      return 'today'
    case 1:
      return 'tomorrow'
    default:
      return day(instant, zone, now)
  }
}

/** 21 Nov 2026, 14:05:09 (Europe/Amsterdam): for those who hover. */
export function exact(instant: string | Date, zone: string): string {
  const local = instantToLocal(instant, zone)
  const [year, month, date] = local.slice(0, 10).split('-').map(Number) as [number, number, number]
  return `${date} ${MONTHS[month - 1]} ${year}, ${local.slice(11)} (${zone})`
}

/** just now, 5 min ago, 3 hours ago, yesterday, 12 Nov; what is still to come with its clock: tomorrow 09:00 */
export function ago(instant: string | Date, zone: string, now: Date): string {
  const passed = now.getTime() - new Date(instant).getTime()
  if (passed < -MINUTE) return dayAndClock(instant, zone, now)
  if (passed < 10_000) return 'just now'
  if (passed < MINUTE) return `${Math.floor(passed / 1000)} s ago`
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`
  if (passed < 12 * HOUR || daysBetween(now, instant, zone) === 0) return hoursAgo(Math.floor(passed / HOUR))
  return relativeDay(instant, zone, now)
}

/** today 10:00–10:50, until tomorrow 00:00, from 24 Nov 09:00, or null for always. */
export function windowWords(from: string | null, until: string | null, zone: string, now: Date): string | null {
  const starts = from !== null && new Date(from) > now
  if (starts && until !== null) {
    return daysBetween(from, until, zone) === 0
      ? `${relativeDay(from, zone, now)} ${clock(from, zone)}–${clock(until, zone)}`
      : `${dayAndClock(from, zone, now)} – ${endWords(until, zone, now)}`
  }
  if (until !== null) return `until ${endWords(until, zone, now)}`
  if (starts) return `from ${dayAndClock(from, zone, now)}`
  return null
}

/** Midnight is the end of the day before, as people say it. */
export function endWords(until: string, zone: string, now: Date): string {
  if (clock(until, zone) !== '00:00') return dayAndClock(until, zone, now)
  const lastMoment = new Date(new Date(until).getTime() - 1)
  return `the end of ${relativeDay(lastMoment, zone, now)}`
}

export function daysBetween(from: string | Date, to: string | Date, zone: string): number {
  const start = parseLocal(instantToLocal(from, zone).slice(0, 10))
  const end = parseLocal(instantToLocal(to, zone).slice(0, 10))
  return Math.round((end - start) / DAY)
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

function hoursAgo(hours: number): string {
  return `${hours} hour${hours === 1 ? '' : 's'} ago`
}

/** The wall-clock time as if it were UTC, in milliseconds. */
function parseLocal(local: string): number {
  const match = LOCAL.exec(local)
  if (match === null) throw new RangeError(`${JSON.stringify(local)} is not a local time`)
  const [year, month, date, hour, minute, second] = match.slice(1).map((part) => Number(part ?? 0)) as number[]
  return Date.UTC(year ?? 0, (month ?? 1) - 1, date, hour, minute, second)
}

const formatters = new Map<string, Intl.DateTimeFormat>()

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function offsetAt(instant: number, zone: string): number {
  let formatter = formatters.get(zone)
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formatters.set(zone, formatter)
  }
  const part: Record<string, number> = {}
  for (const { type, value } of formatter.formatToParts(instant)) part[type] = Number(value)
  const wall = Date.UTC(part.year ?? 0, (part.month ?? 1) - 1, part.day, part.hour, part.minute, part.second)
  return wall - Math.floor(instant / 1000) * 1000
}
