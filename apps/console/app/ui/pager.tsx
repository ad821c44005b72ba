import { Button, Group } from '@mantine/core'
import { Link, useLocation, useSearchParams } from '@remix-run/react'
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react'

/** The cursors of the pages before this one, as the address keeps them: the last is this page's own. */
export function cursorTrail(search: URLSearchParams): string[] {
  return (search.get('after') ?? '').split('.').filter((cursor) => cursor !== '')
}

/** What a list takes to show the page of an address. */
export function cursorOf(search: URLSearchParams): { cursor?: string } {
  const cursor = cursorTrail(search).at(-1)
  return cursor === undefined ? {} : { cursor }
}

/** Steps through keyset pages. The address remembers the way, so going back works there and with the browser's button. */
export function Pager({ next }: { next: string | null }) {
  const [search] = useSearchParams()
  const { pathname } = useLocation()
  const trail = cursorTrail(search)
  if (next === null && trail.length === 0) return null
  const to = (cursors: string[]) => {
    const changed = new URLSearchParams(search)
    if (cursors.length === 0) changed.delete('after')
    else changed.set('after', cursors.join('.'))
    return `${pathname}?${changed}`
  }
  return (
    <Group justify="flex-end" gap="xs" p="sm" component="nav" aria-label="Pages">
      {trail.length > 0 ? (
        <Button
          component={Link}
          to={to(trail.slice(0, -1))}
          variant="default"
          size="xs"
          leftSection={<IconChevronLeft size={14} />}
        >
          Previous
        </Button>
      ) : (
        <Button variant="default" size="xs" leftSection={<IconChevronLeft size={14} />} disabled>
          Previous
        </Button>
      )}
      {next !== null ? (
        <Button
          component={Link}
          to={to([...trail, next])}
          variant="default"
          size="xs"
          rightSection={<IconChevronRight size={14} />}
        >
          Next
        </Button>
      ) : (
        <Button variant="default" size="xs" rightSection={<IconChevronRight size={14} />} disabled>
          Next
        </Button>
      )}
    </Group>
  )
}
