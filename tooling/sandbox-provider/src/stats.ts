/** Counts of what was served. Tokens are what a real provider would bill: of an answer that was cut short, what was produced. */
export type Figures = {
  /** Completion requests accepted: begun, whatever became of them. */
  requests: number
  /** Accepted, and the whole answer was handed over. */
  completed: number
  /** Refused or never answered: any error status, a hang, a reset. Not in `requests`, and nothing is billed. */
  failed: number
  /** Accepted, then ended by the provider itself: cut, or an error in mid-stream. */
  cut: number
  /** Accepted, and the client went away before the end. So `requests` are those completed, cut, aborted, and not ended yet. */
  aborted_by_peer: number
  input_tokens: number
  /** Parts of `input_tokens`: read from the cache of prompts, and written to it where the client pays for that. */
  cached_input_tokens: number
  cache_write_tokens: number
  output_tokens: number
  /** Part of `output_tokens`. */
  reasoning_tokens: number
  /** What clients were told in a usage object, right or wrong. */
  reported_input_tokens: number
  reported_output_tokens: number
}

export type Stats = Figures & {
  /** Requests there are now, those that hang and those whose body is still coming included. */
  open: number
  models: Record<string, Figures>
}

/** One request's line in the books. Each `end…` ends it; later ones change nothing. */
export type Entry = {
  accept(model: string, usage: { input: number; cached: number; written: number }): void
  produce(output: number, reasoning: number): void
  report(usage: { input: number; output: number }): void
  end(how: 'completed' | 'failed' | 'cut'): void
  /** The connection is closed: what was accepted and has not ended by now was ended by the client. */
  close(): void
}

export type Ledger = { open(): Entry; stats(): Stats; reset(): void }

export function createLedger(): Ledger {
  let books = newBooks()
  let open = 0

  return {
    open() {
      // A request that began before a reset stays in the old books.
      const { total, models } = books
      let lines: Figures[] = [total]
      let accepted = false
      let ended = false
      let isOpen = true
      open += 1
      const add = (name: keyof Figures, amount: number) => {
        for (const line of lines) line[name] += amount
      }
      return {
        accept(model, usage) {
          let line = models.get(model)
          if (line === undefined) {
            line = newFigures()
            models.set(model, line)
          }
          lines = [total, line]
          accepted = true
          add('requests', 1)
          add('input_tokens', usage.input)
          add('cached_input_tokens', usage.cached)
          add('cache_write_tokens', usage.written)
        },
        produce(output, reasoning) {
          add('output_tokens', output)
          add('reasoning_tokens', reasoning)
        },
        report(usage) {
          add('reported_input_tokens', usage.input)
          add('reported_output_tokens', usage.output)
        },
        end(how) {
          if (ended) return
          ended = true
          // What is free is in no books.
          if (accepted || how === 'failed') add(how, 1)
        },
        close() {
          if (!isOpen) return
          isOpen = false
          open -= 1
          if (accepted && !ended) add('aborted_by_peer', 1)
          ended = true
        },
      }
    },
    stats: () => ({
      ...books.total,
      open,
      models: Object.fromEntries([...books.models].map(([model, figures]) => [model, { ...figures }])),
    }),
    reset() {
      books = newBooks()
    },
  }
}

function newBooks() {
  return { total: newFigures(), models: new Map<string, Figures>() }
}

function newFigures(): Figures {
  return {
    requests: 0,
    completed: 0,
    failed: 0,
    cut: 0,
    aborted_by_peer: 0,
    input_tokens: 0,
    cached_input_tokens: 0,
    cache_write_tokens: 0,
    output_tokens: 0,
    reasoning_tokens: 0,
    reported_input_tokens: 0,
    reported_output_tokens: 0,
  }
}
