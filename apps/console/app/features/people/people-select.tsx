import { MultiSelect } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import type { Inputs } from '@stipend/wire/trpc'
import { useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { trpcFor } from '../../trpc-client.ts'
import { useTenant } from '../tenant.ts'

type Named = { id: string; name: string }

type Props = {
  label: string
  description?: string
  /** Whose names are known already: those who are chosen when it opens. */
  known: readonly Named[]
  /** Whom the search finds. */
  among: Omit<Extract<Inputs['members']['list'], object>, 'search' | 'limit' | 'cursor' | 'sort'>
  value: string[]
  onChange: (ids: string[]) => void
  /** Told, before they are chosen, what those found so far are called. */
  onNames?: (names: ReadonlyMap<string, string>) => void
}

const FOUND = 30

/** Chooses people by typing a part of their name, however many there are. */
export function PeopleSelect({ label, description, known, among, value, onChange, onNames }: Props) {
  const { slug } = useTenant()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed, 250)
  const names = useRef(new Map(known.map((one) => [one.id, one.name])))
  const found = useQuery({
    queryKey: ['people', slug, among, search],
    queryFn: () => trpcFor(slug).members.list.query({ ...among, limit: FOUND, ...(search === '' ? {} : { search }) }),
    placeholderData: (before) => before,
  })
  for (const one of found.data?.data ?? []) names.current.set(one.id, one.name)
  const offered = [...new Set([...value, ...(found.data?.data ?? []).map((one) => one.id)])]
  return (
    <MultiSelect
      label={label}
      {...(description === undefined ? {} : { description })}
      data={offered.map((id) => ({ value: id, label: names.current.get(id) ?? id }))}
      // The server has searched already; by e-mail address too, which no label shows.
      filter={({ options }) => options.filter((one) => 'value' in one && !value.includes(one.value))}
      value={value}
      onChange={(ids) => {
        onNames?.(new Map(names.current))
        onChange(ids)
      }}
      searchable
      searchValue={typed}
      onSearchChange={setTyped}
      nothingFoundMessage={found.isFetching ? 'Searching' : 'Nobody of this name'}
    />
  )
}
