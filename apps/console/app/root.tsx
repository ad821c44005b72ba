import '@mantine/core/styles.css'
import '@mantine/dates/styles.css'
import '@mantine/charts/styles.css'
import './app.css'

import { ColorSchemeScript, MantineProvider, mantineHtmlProps } from '@mantine/core'
import { DatesProvider } from '@mantine/dates'
import type { LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { Links, Meta, Outlet, Scripts, ScrollRestoration, useMatches, useRouteLoaderData } from '@remix-run/react'
import type { ReactNode } from 'react'
import { useEffect, useState } from 'react'
import { isAccent } from './theme/palette.ts'
import { cssVariables, themeFor } from './theme/theme.ts'
import { ErrorPage } from './ui/error-page.tsx'

export const meta: MetaFunction = () => [{ title: 'Stipend' }]

export const loader = ({ context }: LoaderFunctionArgs) => ({
  nonce: context.nonce,
  request_id: context.facts.request_id,
})

// The nonce is this document's; later answers of the loader have others.
export const shouldRevalidate = () => false

export function Layout({ children }: { children: ReactNode }) {
  const root = useRouteLoaderData<typeof loader>('root')
  const [nonce] = useState(root?.nonce)
  const theme = themeFor(useAccent())
  return (
    <html lang="en" {...mantineHtmlProps}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        <Meta />
        <Links />
        <ColorSchemeScript defaultColorScheme="auto" nonce={nonce} suppressHydrationWarning />
      </head>
      <body>
        <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
          <DatesProvider settings={{ firstDayOfWeek: 1, weekendDays: [] }}>{children}</DatesProvider>
        </MantineProvider>
        <ScrollRestoration nonce={nonce} />
        <Scripts nonce={nonce} />
      </body>
    </html>
  )
}

/** The colour of the tenant whose page this is. */
function useAccent() {
  for (const match of useMatches()) {
    const { data } = match
    if (typeof data === 'object' && data !== null && 'accent' in data && typeof data.accent === 'string') {
      return isAccent(data.accent) ? data.accent : 'blue'
    }
  }
  return 'blue' as const
}

export default function App() {
  // For whoever has to know when the page's scripts have taken over.
  useEffect(() => {
    document.documentElement.dataset.hydrated = 'true'
  }, [])
  return <Outlet />
}

export function ErrorBoundary() {
  return <ErrorPage />
}
