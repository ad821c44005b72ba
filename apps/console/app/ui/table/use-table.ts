import { useNavigation, useResolvedPath, useSearchParams } from '@remix-run/react'
import { withParams } from './state.ts'

/** The address's state for what stands around a table: `set` changes it, and begins at the first page again. */
export function useTable() {
  const [params, setParams] = useSearchParams()
  const { location } = useNavigation()
  const { pathname } = useResolvedPath('.')
  const set = (changes: Record<string, string | string[] | null>) =>
    setParams((before) => withParams(before, changes), { preventScrollReset: true })
  // A panel that opens beside the table changes the path and not what the table shows.
  const isLoading = location?.pathname.startsWith(pathname) === true && location.search !== searchOf(params)
  return { params, set, pathname, isLoading }
}

/** The question mark and what follows, or nothing. */
export function searchOf(params: URLSearchParams): string {
  return params.size === 0 ? '' : `?${params}`
}
