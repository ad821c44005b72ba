import { formatUsd, type Nanodollars, parseUsd } from '@stipend/money'
import { z } from 'zod'

/** Amount as a decimal string in US dollars, exact to nine decimals, in answers: `"5.00"`. */
export const UsdOutput = z
  .string()
  .describe('US dollars as a decimal string, exact to nine decimals.')
  .meta({ examples: ['5.00'] })

/** An amount given by a caller: a positive decimal string. Parsed to nanodollars. */
export const UsdInput = z
  .string()
  .max(40)
  .meta({ examples: ['5.00'] })
  .describe('US dollars as a decimal string with at most nine decimals, more than zero.')
  .superRefine((text, context) => {
    const parsed = parseUsd(text)
    if (!parsed.ok) context.addIssue({ code: 'custom', message: parsed.reason })
    else if (parsed.nanos <= 0n)
      context.addIssue({ code: 'custom', message: 'Must be more than zero, such as "5.00".' })
  })

/** Nanodollars of an amount that `UsdInput` has accepted. */
export function toNanos(text: string): Nanodollars {
  const parsed = parseUsd(text)
  if (!parsed.ok) throw new Error('an amount reached toNanos unchecked')
  return parsed.nanos
}

export const usd = formatUsd
export const usdOrNull = (nanos: Nanodollars | null): string | null => (nanos === null ? null : formatUsd(nanos))

/** Times in answers: RFC 3339 in UTC with milliseconds. */
export const Instant = z.iso.datetime().meta({ examples: ['2026-11-21T09:30:00.000Z'] })

/** A time given by a caller: RFC 3339 with any offset, kept in UTC. */
export const InstantInput = z.iso
  .datetime({ offset: true, error: 'Give a time as RFC 3339 with its offset, such as 2026-11-21T10:00:00+01:00.' })
  .refine((text) => text >= '1970' && text < '9999', 'Give a time between the years 1970 and 9999.')
  .transform((text) => new Date(text).toISOString())
  .meta({ examples: ['2026-11-21T10:00:00+01:00'] })

// Control characters have no place in a name, and some would break a header or a log line.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

export const Name = z
  .string()
  .trim()
  .min(1, 'Give a name.')
  .max(200, 'At most 200 characters.')
  .refine((text) => !CONTROL.test(text), 'Line breaks and control characters are not allowed in a name.')

export const Email = z
  .string()
  .trim()
  .toLowerCase()
  .max(254, 'At most 254 characters.')
  .pipe(z.email('Give an e-mail address, such as name@school.example.'))

export const Search = z.string().trim().max(200).optional().describe('Part of a name, an e-mail address or an id.')
