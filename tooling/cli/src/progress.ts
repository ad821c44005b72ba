import { Stopped } from './stopping.ts'

const LABEL_WIDTH = 12
const TEXT_WIDTH = 62

/**
 * One line per step with its seconds. On a terminal the line is there from the beginning and counts; elsewhere it is written when
 * the step is done. Once `stop` is aborted no further step begins: it throws `Stopped`.
 */
export function createProgress(stop: AbortSignal, out: NodeJS.WriteStream = process.stdout) {
  /** Runs `work`; it answers what is to be said of the step. */
  async function step<T extends string | { said: string }>(
    label: string,
    doing: string,
    work: () => Promise<T>,
  ): Promise<T> {
    if (stop.aborted) throw new Stopped()
    const started = performance.now()
    const passed = () => (performance.now() - started) / 1000
    const show = () => out.write(`\r\u001b[2K${line(label, `${doing} …`, passed())}`)
    let ticker: NodeJS.Timeout | undefined
    if (out.isTTY) {
      show()
      ticker = setInterval(show, 1000)
    }
    const clear = () => {
      clearInterval(ticker)
      if (out.isTTY) out.write('\r\u001b[2K')
    }
    try {
      const result = await work()
      clear()
      out.write(`${line(label, typeof result === 'string' ? result : result.said, passed())}\n`)
      return result
    } catch (error) {
      clear()
      out.write(`${line(label, stop.aborted ? 'stopped' : 'failed', passed())}\n`)
      throw stop.aborted ? new Stopped() : error
    }
  }
  return { step, say: (text: string) => void out.write(`${text}\n`) }
}

export type Progress = ReturnType<typeof createProgress>

function line(label: string, text: string, seconds: number): string {
  return `  ${label.padEnd(LABEL_WIDTH)}${text.padEnd(TEXT_WIDTH)} ${seconds.toFixed(1).padStart(6)} s`
}
