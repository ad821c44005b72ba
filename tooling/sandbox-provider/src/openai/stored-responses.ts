import { ApiError } from '../errors.ts'
import type { Fields } from '../schema-sample.ts'
import { refuse } from './parameters.ts'

/** Responses remembered; the oldest are forgotten when there are more. */
const RESPONSES_MAX = 500

export type StoredResponse = {
  /** As it is told once it is ready. */
  response: Fields & { id: string; output: readonly Fields[] }
  /** All that was said before it, with what earlier responses said. */
  input: readonly Fields[]
  /** One that is made in the background is ready then, in ms since 1970. */
  readyAt: number
}

/** The responses clients asked to store, and everything that can be asked of them afterwards. */
export class StoredResponses {
  readonly #responses = new Map<string, StoredResponse>()

  add(stored: StoredResponse): void {
    this.#responses.set(stored.response.id, stored)
    const [oldest] = this.#responses.keys()
    if (this.#responses.size > RESPONSES_MAX && oldest !== undefined) this.#responses.delete(oldest)
  }

  /** What a request continues: everything said before, and the answer. */
  continued(id: string): readonly Fields[] {
    const found = this.#responses.get(id)
    if (found !== undefined) return [...found.input, ...found.response.output]
    return refuse(`Previous response with id '${id}' not found.`, 'previous_response_id', 'previous_response_not_found')
  }

  /** An item that a request only names. */
  item(id: string): Fields {
    for (const { input, response } of this.#responses.values()) {
      const found = [...response.output, ...input].find((item) => item.id === id)
      if (found !== undefined) return found
    }
    throw new ApiError(
      404,
      `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      { param: 'input' },
    )
  }

  get(id: string): Fields {
    const { response, readyAt } = this.#find(id)
    return readyAt <= Date.now() ? response : unready(response, 'in_progress')
  }

  inputOf(id: string): Fields {
    const data = this.#find(id).input.toReversed()
    return { object: 'list', data, first_id: data[0]?.id, last_id: data.at(-1)?.id, has_more: false }
  }

  remove(id: string): Fields {
    this.#find(id)
    this.#responses.delete(id)
    return { id, object: 'response', deleted: true }
  }

  /** Ends one that is made in the background; one that is ready stays as it is. */
  cancel(id: string): Fields {
    const stored = this.#find(id)
    if (stored.response.background !== true) refuse('Cannot cancel a synchronous response.', null, null)
    if (stored.readyAt <= Date.now()) return stored.response
    const response = unready(stored.response, 'cancelled')
    this.#responses.set(id, { ...stored, response, readyAt: 0 })
    return response
  }

  #find(id: string): StoredResponse {
    const found = this.#responses.get(id)
    if (found !== undefined) return found
    throw new ApiError(404, `Response with id '${id}' not found.`)
  }
}

/** A response before it has anything to tell. */
export function unready(response: StoredResponse['response'], status: string): StoredResponse['response'] {
  return { ...response, status, output: [], usage: undefined, incomplete_details: null, completed_at: null }
}
