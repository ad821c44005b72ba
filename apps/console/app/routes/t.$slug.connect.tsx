import { Card, Stack, Text, Title } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { ModelTable } from '../features/connect/model-table.tsx'
import { modelsOf } from '../features/connect/models.server.ts'
import { ToolTabs } from '../features/connect/tool-tabs.tsx'
import { tenantLoader } from '../session.server.ts'
import { CodeBlock } from '../ui/code-block.tsx'
import { PageHeader } from '../ui/page-header.tsx'

export const meta: MetaFunction = () => [{ title: 'Connect tools – Stipend' }]

const PLACEHOLDER = 'YOUR-KEY'

export const loader = tenantLoader(async ({ api, context }) => ({
  gateway_url: context.backend.gateway_url,
  ...(await modelsOf(api)),
}))

export default function Connect() {
  const { gateway_url, models, model_for } = useLoaderData<typeof loader>()
  return (
    <>
      <PageHeader
        title="Connect tools"
        sentence="Paste your key into a coding tool. Any tool that speaks OpenAI’s API or Anthropic’s works."
      />
      <Stack gap="md" maw={760}>
        <Card>
          <Title order={2} mb="xs">
            Base URL
          </Title>
          <CodeBlock code={gateway_url} label="Base URL" />
        </Card>
        <Card>
          <Title order={2} mb={4}>
            Your tool
          </Title>
          <Text size="sm" c="dimmed" mb="md">
            Put your key in the place of {PLACEHOLDER}.
          </Text>
          <ToolTabs connection={{ base_url: gateway_url, key: PLACEHOLDER }} modelFor={model_for} />
        </Card>
        {models.length > 0 && (
          <Card>
            <Title order={2} mb={4}>
              Models
            </Title>
            <Text size="sm" c="dimmed" mb="xs">
              Your tool can ask for any of these. Prices are for a million tokens.
            </Text>
            <ModelTable models={models} />
          </Card>
        )}
      </Stack>
    </>
  )
}
