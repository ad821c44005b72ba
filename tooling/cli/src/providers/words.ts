import type { providers as operations } from '@stipend/core'
import type { z } from 'zod'
import { Failure } from '../failure.ts'

type Provider = z.output<typeof operations.get.output>
type Model = z.output<typeof operations.listModels.output>['data'][number]
type Verdict = z.output<typeof operations.tryAgain.output>

/** A table without lines; the first row is its head, where it has one. */
export function columns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export const listed = (things: readonly { name: string }[]) => things.map(({ name }) => name).join(', ')

/** `a, b` as a list of words. */
export const words = (text: string | undefined) => (text ?? '').split(',').flatMap((word) => word.trim() || [])

export function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,10}$/.test(text)) throw new Failure(`--${option}: give a whole number instead of "${text}".`)
  return Number(text)
}

export function describeProvider(provider: Provider, markup: string): string[] {
  const { name, kind, is_enabled, health, models, priority, weight, today } = provider
  const failed = today.failed_requests === 0 ? '' : ` (${today.failed_requests} failed)`
  return [
    ...[name, kind, is_enabled ? health.state : 'disabled', String(models), `${markup} %`, String(priority)],
    ...[String(weight), `${today.requests}${failed}`, `$${today.cost_usd}`],
  ]
}

export const MODEL_HEAD = ['model', 'state', 'charged per million tokens', 'context', 'output', 'formats', 'aliases']

export function describeModel(model: Model): string[] {
  const { name, is_enabled, price, context_tokens_max, output_tokens_max, dialects, aliases } = model
  const sizes = [String(context_tokens_max), String(output_tokens_max)]
  return [name, is_enabled ? 'on' : 'off', priceWords(price), ...sizes, dialects.join(', '), aliases.join(', ')]
}

type Price = { input_usd_per_million: string; output_usd_per_million: string; tiers: readonly unknown[] }

export function priceWords(price: Price | null): string {
  if (price === null) return 'no price'
  const { input_usd_per_million: input, output_usd_per_million: output, tiers } = price
  return `$${input} in, $${output} out${tiers.length === 0 ? '' : ', more for long requests'}`
}

/** The four things that are tried, in the order they were. */
export function ticks(verdict: Verdict): string {
  const marks = { true: 'ok', false: 'WRONG', null: '-' }
  const rows = (['reachable', 'credential', 'models', 'latency'] as const).map((what) => {
    const { is_ok, says } = verdict[what]
    return [marks[`${is_ok}`], what, says]
  })
  return columns(rows)
}
