import { Button, Title } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, useLoaderData } from '@remix-run/react'
import { IconPlus } from '@tabler/icons-react'
import { ProviderCard } from '../features/providers/provider-card.tsx'
import classes from '../features/providers/providers.module.css'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantLoader } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export const meta: MetaFunction = () => [{ title: 'Providers – Stipend' }]

export const loader = tenantLoader(async ({ api }) => {
  const [providers, kinds] = await Promise.all([api.providers.list(), api.providers.listKinds()])
  return { providers: providers.data, kinds: kinds.data }
})

export default function Providers() {
  const { providers, kinds } = useLoaderData<typeof loader>()
  const { slug, may } = useTenant()
  const own = providers.filter((one) => one.owner === 'organisation')
  const platform = providers.filter((one) => one.owner === 'platform')
  const add = may('providers:write') && (
    <Button
      component={Link}
      to={paths.newProvider(slug)}
      leftSection={<IconPlus size={16} />}
      style={{ flexShrink: 0 }}
    >
      Add provider
    </Button>
  )
  const cards = (some: typeof providers) => (
    <ul className={classes.cards}>
      {some.map((one) => (
        <li key={one.id}>
          <ProviderCard of={one} title={kinds.find((kind) => kind.name === one.kind)?.title ?? one.kind} />
        </li>
      ))}
    </ul>
  )
  return (
    <>
      <PageHeader
        title="Providers"
        sentence="Where the models come from. Requests to providers of your own don’t draw on your balance."
        action={add}
      />
      <Title order={2} size="h4" mb="sm">
        Your own
      </Title>
      {own.length > 0 ? (
        cards(own)
      ) : (
        <Empty kind="nothing_yet" title="No provider of your own yet">
          Have an account at OpenAI, Anthropic, Azure or another provider, or models in your own network? Add it here,
          and keys use it first.
        </Empty>
      )}
      {platform.length > 0 && (
        <>
          <Title order={2} size="h4" mt="xl" mb="sm">
            Of the platform
          </Title>
          {cards(platform)}
        </>
      )}
    </>
  )
}
