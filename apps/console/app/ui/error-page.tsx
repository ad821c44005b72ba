import { Anchor, Button, Center, Code, Stack, Text, Title } from '@mantine/core'
import { isRouteErrorResponse, Link, useRouteError, useRouteLoaderData } from '@remix-run/react'

const WORDS: Record<number, { title: string; sentence: string }> = {
  403: {
    title: 'This page is not for you',
    sentence: 'You are signed in, but your role does not include this. An owner of your organisation can change that.',
  },
  404: {
    title: 'There is nothing here',
    sentence: 'The address may be misspelt, or what was here is not yours to see.',
  },
  503: {
    title: 'Back in a moment',
    sentence: 'The console can not reach its database right now. Nothing is lost; try again in a moment.',
  },
}

const FAILED = {
  title: 'Something went wrong on our side',
  sentence: 'Try again. If it stays, give us the request id below.',
}

/** What a person sees when a page can't be shown, in plain words. Stands inside the frame where there is one. */
export function ErrorPage({ isInFrame = false }: { isInFrame?: boolean }) {
  const error = useRouteError()
  const root = useRouteLoaderData<{ request_id: string }>('root')
  const status = isRouteErrorResponse(error) ? error.status : 500
  const { title, sentence } = WORDS[status] ?? FAILED
  const body: unknown = isRouteErrorResponse(error) ? error.data : null
  const request_id = requestIdOf(body) ?? root?.request_id
  const content = (
    <Stack gap="md" maw={440} align="flex-start">
      <Text c="dimmed" fw={600}>
        {status}
      </Text>
      <Title order={1}>{title}</Title>
      <Text>{sentence}</Text>
      {request_id !== undefined && (
        <Text size="sm" c="dimmed">
          Request <Code>{request_id}</Code>
        </Text>
      )}
      <Button component={Link} to="/" variant="default" reloadDocument>
        To the start page
      </Button>
      {status >= 500 && (
        <Anchor href="" size="sm">
          Try again
        </Anchor>
      )}
    </Stack>
  )
  return isInFrame ? (
    <Center mih={360}>{content}</Center>
  ) : (
    <Center component="main" mih="100dvh" p="lg">
      {content}
    </Center>
  )
}

function requestIdOf(body: unknown): string | undefined {
  if (typeof body === 'object' && body !== null && 'request_id' in body && typeof body.request_id === 'string') {
    return body.request_id
  }
  return undefined
}
