import { Anchor, Card, Container, Stack, Text, Title } from '@mantine/core'
import { data, type LoaderFunctionArgs, type MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { Fragment } from 'react'

export const meta: MetaFunction = () => [{ title: 'Mails – Stipend' }]

/** Only where mails are kept instead of sent; elsewhere there is no such page. */
export async function loader({ context }: LoaderFunctionArgs) {
  const mails = await context.backend.keptMails()
  if (mails === null)
    throw data(
      { code: 'not_found', message: 'There is no such page.', request_id: context.facts.request_id },
      { status: 404 },
    )
  return { mails }
}

export default function Mails() {
  const { mails } = useLoaderData<typeof loader>()
  return (
    <Container component="main" size="sm" py="xl">
      <Title order={1}>Mails</Title>
      <Text c="dimmed" mb="lg">
        No mail server is set: mails are kept here instead of being sent, for whoever tries this out. Newest first.
      </Text>
      <Stack>
        {mails.length === 0 && <Text>No mail yet.</Text>}
        {mails.map((mail) => (
          <Card key={mail.id} withBorder component="article" aria-label={`${mail.subject}, to ${mail.to}`}>
            <Text fw={600}>{mail.subject}</Text>
            <Text size="sm" c="dimmed" mb="sm">
              To {mail.to}, <time dateTime={mail.sent_at}>{mail.sent_at.slice(0, 16).replace('T', ' ')} UTC</time>
            </Text>
            <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} component="div">
              {mail.text.split(/(https?:\/\/\S+)/).map((part, at) => (
                <Fragment key={at}>{/^https?:/.test(part) ? <Anchor href={part}>{part}</Anchor> : part}</Fragment>
              ))}
            </Text>
          </Card>
        ))}
      </Stack>
    </Container>
  )
}
