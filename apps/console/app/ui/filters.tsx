import { Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useSearchParams } from '@remix-run/react'
import { IconSearch } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'

/** Sets filters in the address. A changed filter begins at the first page again. */
export function useFilters() {
  const [search, setSearch] = useSearchParams()
  const set = (changes: Record<string, string | null>) => {
    setSearch(
      (before) => {
        const after = new URLSearchParams(before)
        after.delete('after')
        for (const [name, value] of Object.entries(changes)) {
          if (value === null || value === '') after.delete(name)
          else after.set(name, value)
        }
        return after
      },
      { preventScrollReset: true },
    )
  }
  return { search, set }
}

export function SearchFilter({ label, name = 'q' }: { label: string; name?: string }) {
  const { search, set } = useFilters()
  const input = useRef<HTMLInputElement>(null)
  const submit = useDebouncedCallback((value: string) => set({ [name]: value.trim() }), 250)
  const given = search.get(name) ?? ''
  // Cleared or changed by something else, such as the browser's way back.
  useEffect(() => {
    if (input.current !== null && document.activeElement !== input.current) input.current.value = given
  }, [given])
  return (
    <TextInput
      ref={input}
      type="search"
      name={name}
      aria-label={label}
      placeholder={label}
      defaultValue={given}
      onChange={(event) => submit(event.currentTarget.value)}
      leftSection={<IconSearch size={16} stroke={1.5} />}
      w={{ base: '100%', xs: 260 }}
    />
  )
}

export function SelectFilter(props: {
  label: string
  name: string
  options: { value: string; label: string }[]
  width?: number
}) {
  const { search, set } = useFilters()
  if (props.options.length === 0) return null
  return (
    <Select
      aria-label={props.label}
      placeholder={props.label}
      data={props.options}
      value={search.get(props.name)}
      onChange={(value) => set({ [props.name]: value })}
      clearable
      searchable={props.options.length > 8}
      comboboxProps={{ shadow: 'md' }}
      clearButtonProps={{ 'aria-label': `Clear ${props.label}` }}
      w={{ base: 'calc(50% - 6px)', xs: props.width ?? 180 }}
    />
  )
}
