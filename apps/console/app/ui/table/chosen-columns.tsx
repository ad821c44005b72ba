import { createContext, type ReactNode, useContext, useState } from 'react'

/** The columns a person has chosen, by table: ids in no order of meaning. A table that isn't in it shows those it begins with. */
export type ChosenColumns = Readonly<Record<string, string[]>>

/** The cookie that keeps them: per person, for a school's computer has many. */
export const columnsCookie = (memberId: string) => `columns_${memberId}`

const WORD = /^[a-z_.]+$/

export function parseColumns(written: string | undefined): ChosenColumns {
  const tables = [...new URLSearchParams(written)].filter(([table, ids]) => WORD.test(table) && WORD.test(ids))
  return Object.fromEntries(tables.map(([table, ids]) => [table, ids.split('.')]))
}

export function writeColumns(chosen: ChosenColumns): string {
  return new URLSearchParams(Object.entries(chosen).map(([table, ids]) => [table, ids.join('.')])).toString()
}

/** What the cookie of a request says, without trusting it. */
export function columnsOf(cookieHeader: string | null, memberId: string): ChosenColumns {
  const name = `${columnsCookie(memberId)}=`
  const found = (cookieHeader ?? '').split('; ').find((cookie) => cookie.startsWith(name))
  return parseColumns(found?.slice(name.length))
}

const YEAR_SECONDS = 365 * 24 * 60 * 60

type Columns = { chosen: ChosenColumns; choose: (table: string, ids: string[]) => void }
const Context = createContext<Columns>({ chosen: {}, choose: () => undefined })

export function ColumnsProvider(props: { memberId: string; initial: ChosenColumns; children: ReactNode }) {
  const [chosen, setChosen] = useState(props.initial)
  const choose = (table: string, ids: string[]) => {
    const changed = { ...chosen, [table]: ids }
    setChosen(changed)
    // biome-ignore lint/suspicious/noDocumentCookie: Safari has no cookie store; the server needs it for the first rendering
    document.cookie = `${columnsCookie(props.memberId)}=${writeColumns(changed)}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`
  }
  return <Context.Provider value={{ chosen, choose }}>{props.children}</Context.Provider>
}

export const useChosenColumns = () => useContext(Context)
