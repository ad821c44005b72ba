import { type ChatTitle, keepsTitles, keepTitle, TITLE_MAX } from '@stipend/core'
import type { KeyFacts } from '@stipend/core/spend'
import type { Database } from '@stipend/db'
import type { Log } from '@stipend/runtime'
import { isObject, type Loose, textIn } from './meter/json.ts'

/** A tenant's choice is asked anew as often. The database asks again when something is to be kept: what is switched off is off at once. */
const TRUSTED_MS = 5_000
const REMEMBERED_MAX = 10_000
/** Enough for a title, whatever space is in it. */
const READ_MAX = 1_000
const TAGS_MAX = 20

/** Keeps the first words of conversations for the tenants that want it. What the others say is not looked at. */
export class Titles {
  readonly #database: Database
  readonly #log: Log
  readonly #choices = new Map<string, { keeps: boolean; at: number }>()
  readonly #kept = new Set<string>()

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  /** To be told of a request that was answered, and of which conversation it is. Waits for nothing. */
  note({ tenant_id, key_id }: KeyFacts, json: Loose, thread: string): void {
    const keep = () => {
      if (this.#kept.has(`${key_id} ${thread}`)) return
      const title = titleOf(json)
      if (title !== null) void this.#keep({ tenant_id, key_id, thread, title })
    }
    const choice = this.#choices.get(tenant_id)
    if (choice === undefined || performance.now() - choice.at > TRUSTED_MS) {
      void this.#ask(tenant_id).then((keeps) => keeps && keep())
    } else if (choice.keeps) keep()
  }

  async #ask(tenant_id: string): Promise<boolean> {
    try {
      const keeps = await keepsTitles(this.#database, tenant_id)
      this.#choices.set(tenant_id, { keeps, at: performance.now() })
      return keeps
    } catch (err) {
      this.#log.warn({ err, tenant_id }, 'whether titles are kept is not known')
      return false
    }
  }

  async #keep(chat: ChatTitle): Promise<void> {
    const name = `${chat.key_id} ${chat.thread}`
    this.#kept.add(name)
    if (this.#kept.size > REMEMBERED_MAX) {
      const [oldest] = this.#kept
      if (oldest !== undefined) this.#kept.delete(oldest)
    }
    try {
      await keepTitle(this.#database, chat)
    } catch {
      // What the database says of it may hold the title.
      this.#kept.delete(name)
      this.#log.warn({ key_id: chat.key_id }, 'a title was not kept')
    }
  }
}

/** The first words somebody wrote in a request, on one line; null where there are none. What tools put before them in tags is left out. */
export function titleOf(json: Loose): string | null {
  const said = json.messages ?? json.input ?? json.prompt
  const turns = Array.isArray(said) ? said : [said]
  for (const turn of turns) {
    if (isObject(turn) && turn.role !== 'user') continue
    const content = isObject(turn) ? turn.content : turn
    for (const part of Array.isArray(content) ? content : [content]) {
      const words = wordsOf(isObject(part) ? textIn(part.text) : textIn(part))
      if (words !== '') return shortened(words)
    }
  }
  return null
}

function wordsOf(text: string): string {
  let rest = text
  for (let tags = 0; tags < TAGS_MAX; tags++) {
    const tag = /^\s*<([a-z][\w-]{0,50})[\s>]/i.exec(rest)?.[1]
    const end = tag === undefined ? -1 : rest.indexOf(`</${tag}>`)
    if (tag === undefined || end < 0) break
    rest = rest.slice(end + tag.length + 3)
  }
  return rest
    .trimStart()
    .slice(0, READ_MAX)
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .trim()
}

/** At a space, if one is near the end; never within a character. */
function shortened(words: string): string {
  if (words.length <= TITLE_MAX) return words
  const cut = words.slice(0, TITLE_MAX - 1).replace(/[\uD800-\uDBFF]$/, '')
  const space = cut.lastIndexOf(' ')
  return `${(space > TITLE_MAX / 2 ? cut.slice(0, space) : cut).trimEnd()}…`
}
