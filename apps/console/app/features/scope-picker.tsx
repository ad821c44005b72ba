import { Select, Text } from '@mantine/core'
import { useLocation, useSearchParams } from '@remix-run/react'
import { withParams } from '../ui/table/state.ts'
import { useTenant } from './tenant.ts'

/** Pages that show one location at a time where one is chosen. */
const SCOPED = ['', 'coding', 'keys', 'usage', 'members', 'groups']

/** Whether a path is of a page that follows the location that is chosen. */
export function isScoped(pathname: string): boolean {
  return SCOPED.includes(pathname.split('/')[3] ?? '')
}

/** Where I am: all locations, or one. It stands in the address, and the navigation takes it along. */
export function ScopePicker() {
  const { locations, words } = useTenant()
  const { pathname } = useLocation()
  const [params, setParams] = useSearchParams()
  if (!isScoped(pathname) || locations.length === 0) return null
  if (locations.length === 1) {
    return (
      <Text size="sm" c="dimmed" truncate>
        {locations[0]?.name}
      </Text>
    )
  }
  const all = `All ${words.locations.toLowerCase()}`
  return (
    <Select
      size="xs"
      w={{ base: 150, sm: 210 }}
      aria-label={words.location}
      data={[{ value: 'all', label: all }, ...locations.map(({ id, name }) => ({ value: id, label: name }))]}
      value={params.get('location') ?? 'all'}
      onChange={(value) =>
        setParams((before) => withParams(before, { location: value === 'all' ? null : value, group: null, open: null }))
      }
      allowDeselect={false}
      searchable={locations.length > 8}
      comboboxProps={{ shadow: 'md' }}
    />
  )
}
