import type { TenantCall } from '../../session.server.ts'

/** Locations and groups to choose from, as far as the person sees them. */
export async function loadPlaces(api: TenantCall['api']) {
  const locations = (await api.locations.list({})).data.map(({ id, name }) => ({ id, name }))
  const groups: { id: string; name: string; location_id: string; location_name: string }[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof api.groups.list>> = await api.groups.list({
      limit: 200,
      ...(cursor === null ? {} : { cursor }),
    })
    groups.push(
      ...page.data.map(({ id, name, location_id, location_name }) => ({ id, name, location_id, location_name })),
    )
    cursor = page.next_cursor
  } while (cursor !== null && groups.length < 2000)
  return { locations, groups }
}
