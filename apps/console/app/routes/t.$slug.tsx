import type { MetaFunction } from '@remix-run/node'
import { data } from '@remix-run/node'
import { Outlet, type ShouldRevalidateFunction, useRouteLoaderData } from '@remix-run/react'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { Frame } from '../features/frame.tsx'
import { useTenant } from '../features/tenant.ts'
import { sessionCookie, tenantLoader, tokenOf } from '../session.server.ts'
import { ErrorPage } from '../ui/error-page.tsx'
import { NoticesProvider } from '../ui/notices.tsx'
import { NowProvider } from '../ui/now.tsx'
import { ColumnsProvider, columnsOf } from '../ui/table/chosen-columns.tsx'

export const meta: MetaFunction<typeof loader> = ({ data }) => [{ title: data?.tenant_name ?? 'Stipend' }]

export const loader = tenantLoader(async ({ api, session, membership, now, request, context }) => {
  const headers = new Headers()
  const token = await tokenOf(request, context)
  if (session.is_fresh && token !== null) {
    headers.set('set-cookie', await sessionCookie(context).serialize(token, { expires: session.expires_at }))
  }
  const permissions = context.backend.permissions(session, membership)
  const locations = permissions.includes('locations:read') ? (await api.locations.list()).data : []
  return data(
    {
      now,
      slug: membership.tenant_slug,
      tenant_name: membership.tenant_name,
      kind: membership.tenant_kind,
      time_zone: membership.time_zone,
      accent: membership.accent_color,
      member_id: membership.member_id,
      member_name: membership.member_name,
      role: membership.role,
      email: session.user.email,
      permissions,
      locations: locations.map(({ id, name }) => ({ id, name })),
      columns: columnsOf(request.headers.get('cookie'), membership.member_id),
      tenants: session.memberships.map(({ tenant_slug, tenant_name }) => ({ slug: tenant_slug, name: tenant_name })),
    },
    { headers },
  )
})

export const headers = ({ loaderHeaders }: { loaderHeaders: Headers }) => loaderHeaders

// Who one is and where doesn't change from page to page; a form may change its name, its colour and what locations there are.
export const shouldRevalidate: ShouldRevalidateFunction = ({ currentParams, nextParams, formMethod }) =>
  currentParams.slug !== nextParams.slug || (formMethod !== undefined && formMethod !== 'GET')

export default function Tenant() {
  return (
    <Surroundings>
      <Outlet />
    </Surroundings>
  )
}

/** A page of the tenant that can't be shown keeps the tenant's frame; a tenant that can't be shown has none. */
export function ErrorBoundary() {
  const isEntered = useRouteLoaderData<typeof loader>('routes/t.$slug') !== undefined
  if (!isEntered) return <ErrorPage />
  return (
    <Surroundings>
      <ErrorPage isInFrame />
    </Surroundings>
  )
}

function Surroundings({ children }: { children: ReactNode }) {
  const { now, member_id, columns } = useTenant()
  const [queries] = useState(() => new QueryClient())
  return (
    <QueryClientProvider client={queries}>
      <NowProvider serverNow={now}>
        <ColumnsProvider memberId={member_id} initial={columns}>
          <NoticesProvider>
            <Frame>{children}</Frame>
          </NoticesProvider>
        </ColumnsProvider>
      </NowProvider>
    </QueryClientProvider>
  )
}
