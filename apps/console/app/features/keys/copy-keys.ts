import type { Inputs } from '@stipend/wire/trpc'
import { useRef } from 'react'
import { trpcFor } from '../../trpc-client.ts'
import { useNotify } from '../../ui/notices.tsx'
import { displayable } from '../../ui/table/csv.ts'
import type { Selected } from '../../ui/table/selection.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import type { ListedKey } from './keys-columns.tsx'

type Query = Extract<Inputs['keys']['list'], object>
type Copied = Pick<ListedKey, 'id' | 'member_name' | 'member_email' | 'name' | 'masked' | 'status'>

/** Above it a file is of more use than a clipboard. */
const COPIED_MAX = 5_000

/** Copies who has which key, as CSV: names and what may be shown of the secrets, which are nowhere. */
export function useCopyKeys(rows: readonly Copied[], query: Query) {
  const { slug } = useTenant()
  const notify = useNotify()
  // What is selected was on a page of this list: it is remembered while the list is open.
  const seen = useRef(new Map<string, Copied>())
  for (const row of rows) seen.current.set(row.id, row)
  return async ({ ids, count }: Selected) => {
    if (count > COPIED_MAX) {
      notify({ message: `${counted(count, 'key')} are too many to copy. Export them as a file, above the table.` })
      return
    }
    try {
      const copied = ids === null ? await allOf(slug, query) : ids.flatMap((id) => seen.current.get(id) ?? [])
      await navigator.clipboard.writeText(csvOf(copied))
      notify({ message: `${counted(copied.length, 'key')} copied: names and masked keys, as CSV.` })
    } catch {
      notify({ message: 'That could not be copied. Export the keys as a file instead.' })
    }
  }
}

async function allOf(slug: string, query: Query): Promise<Copied[]> {
  const all: Copied[] = []
  let cursor: string | undefined
  do {
    const page = await trpcFor(slug).keys.list.query({
      ...query,
      limit: 200,
      ...(cursor === undefined ? {} : { cursor }),
    })
    all.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined)
  return all
}

function csvOf(rows: readonly Copied[]): string {
  const lines = rows.map((row) => [row.member_name, row.member_email, row.name, row.masked, row.status])
  return [['Owner', 'E-mail', 'Name', 'Key', 'Status'], ...lines]
    .map((line) => line.map(displayable).join(','))
    .join('\n')
}
