import type { Behaviour } from './behaviour.ts'

/** The true figures of an answer. Cached and written tokens are parts of the input, reasoning tokens of the output. */
export type Usage = { input: number; cached: number; written: number; output: number; reasoning: number }

/** What the client is told. A figure that is missing is left out of the answer, with the sums it belongs to. */
export type ReportedUsage = { [Figure in keyof Usage]: number | undefined }

export function reportedUsage(usage: Usage, { wrong_usage }: Behaviour): ReportedUsage {
  switch (wrong_usage) {
    case 'negative':
      return { ...usage, input: -usage.input, output: -usage.output }
    case 'huge':
      return { ...usage, output: usage.output + 1_000_000 }
    case 'missing':
      return { ...usage, output: undefined, reasoning: undefined }
    case 'cached':
      return { ...usage, cached: usage.input + 1_024 }
    case 'zero':
      return { input: 0, cached: 0, written: 0, output: 0, reasoning: 0 }
    default:
      return usage
  }
}

export function addUp(...figures: (number | undefined)[]): number | undefined {
  return figures.every((figure) => figure !== undefined) ? figures.reduce((sum, figure) => sum + figure, 0) : undefined
}
