import { readFileSync } from 'node:fs'

/** Of one window: what was measured, by the names of `compare.mjs`. */
type Window = { v: Record<string, number> }
type Figures = { results: Record<string, Record<string, Window[]>> }

type Row = {
  scenario: string
  what: string
  figure: string
  /** At least, or where less is better at most, this much of what the bare proxy has. */
  floor: number
  aim: number
  isLessBetter?: boolean
  digits: number
}

/** The targets of the gateway, each as a ratio to the bare proxy in the same round. */
const ROWS: readonly Row[] = [
  { scenario: 'i', what: 'whole answers, 64 connections, requests/s', figure: 'rps', floor: 0.6, aim: 0.85, digits: 0 },
  {
    scenario: 'ii',
    what: 'one connection, added p50 latency, ms',
    figure: 'add50',
    floor: 2,
    aim: 1.3,
    isLessBetter: true,
    digits: 3,
  },
  {
    scenario: 'iii',
    what: 'streams, 32 connections x 200 chunks, chunks/s',
    figure: 'cps',
    floor: 0.8,
    aim: 0.95,
    digits: 0,
  },
  {
    scenario: 'iv',
    what: '500 open streams, KB per stream',
    figure: 'kb',
    floor: 2,
    aim: 1.3,
    isLessBetter: true,
    digits: 0,
  },
  {
    scenario: 'iv',
    what: '500 open streams, p99 of the first byte, ms',
    figure: 'ttfb99',
    floor: 3,
    aim: 1.5,
    isLessBetter: true,
    digits: 1,
  },
  { scenario: 'v', what: '100 KB prompts, requests/s', figure: 'rps', floor: 0.6, aim: 0.85, digits: 0 },
]

/** The table of all targets whose scenario was measured, as Markdown, from the file that `compare.mjs --json` wrote. */
export function readTable(file: string): string {
  const { results } = JSON.parse(readFileSync(file, 'utf8')) as Figures
  const lines = ROWS.flatMap((row) => {
    const ours = results[row.scenario]?.stipend ?? []
    const bare = results[row.scenario]?.baseline ?? []
    const ratios = ours.map(
      (window, i) => (window.v[row.figure] ?? Number.NaN) / (bare[i]?.v[row.figure] ?? Number.NaN),
    )
    const ratio = median(ratios)
    if (ratio === undefined) return []
    const shown = (windows: Window[]) =>
      (median(windows.map(({ v }) => v[row.figure] ?? Number.NaN)) ?? 0).toFixed(row.digits)
    const sign = row.isLessBetter ? '≤' : '≥'
    return [
      `| ${row.scenario} | ${row.what} | ${shown(ours)} | ${shown(bare)} | ${ratio.toFixed(2)} | ${sign} ${row.floor} | ${sign} ${row.aim} | ${verdict(row, ratio)} |`,
    ]
  })
  const head = ['| | scenario | gateway | bare proxy | ratio | at least | aim | |', '|---|---|---|---|---|---|---|---|']
  return ['', 'Ratios of the gateway to the bare proxy', '', ...head, ...lines].join('\n')
}

function verdict({ floor, aim, isLessBetter }: Row, ratio: number): string {
  const reaches = (goal: number) => (isLessBetter ? ratio <= goal : ratio >= goal)
  if (reaches(aim)) return 'aim reached'
  return reaches(floor) ? 'reached' : 'not reached'
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b)
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}
