import { Alert, Anchor, Button, Card, Center, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { type ActionFunctionArgs, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Form, useActionData, useNavigation, useSearchParams } from '@remix-run/react'
import { IconAlertCircle } from '@tabler/icons-react'
import { paths, safeNext } from '../paths.ts'
import { findSession, sessionCookie, text, toRefusal } from '../session.server.ts'
import { Mark } from '../ui/mark.tsx'

export const meta: MetaFunction = () => [{ title: 'Sign in – Stipend' }]

export async function loader(args: LoaderFunctionArgs) {
  if ((await findSession(args)) !== null) throw redirect(safeNext(new URL(args.request.url).searchParams.get('next')))
  return null
}

export async function action({ request, context }: ActionFunctionArgs) {
  const form = await request.formData()
  // Not trimmed: a password may begin or end with a blank.
  const password = form.get('password')
  const credentials = { email: text(form, 'email'), password: typeof password === 'string' ? password : '' }
  try {
    const { token, expires_at } = await context.backend.signIn(credentials, context.facts.ip)
    return redirect(safeNext(text(form, 'next')), {
      headers: { 'set-cookie': await sessionCookie(context).serialize(token, { expires: expires_at }) },
    })
  } catch (error) {
    return toRefusal(error, context)
  }
}

export default function Login() {
  const refused = useActionData<typeof action>()
  const [search] = useSearchParams()
  const isBusy = useNavigation().state !== 'idle'
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w="100%" maw={380} gap="lg">
        <Stack gap={6} align="center">
          <Mark size={36} />
          <Title order={1}>Sign in</Title>
          <Text c="dimmed" ta="center">
            AI keys and budgets of your school or company.
          </Text>
        </Stack>
        <Card padding="xl" style={{ background: 'var(--stipend-surface)' }}>
          <Form method="post">
            <input type="hidden" name="next" value={search.get('next') ?? ''} />
            <Stack gap="md">
              {refused !== undefined && (
                <Alert color="red" variant="light" icon={<IconAlertCircle size={18} />} role="alert">
                  {refused.error.message}
                </Alert>
              )}
              <TextInput
                name="email"
                type="email"
                label="E-mail address"
                autoComplete="username"
                required
                withAsterisk={false}
                autoFocus
              />
              <PasswordInput
                name="password"
                label="Password"
                autoComplete="current-password"
                required
                withAsterisk={false}
                visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
              />
              <Button type="submit" loading={isBusy} fullWidth mt="xs">
                Sign in
              </Button>
            </Stack>
          </Form>
        </Card>
        <Text size="sm" c="dimmed" ta="center">
          <Anchor underline="always" href={paths.passwordReset()}>
            Forgotten your password?
          </Anchor>{' '}
          No account yet?{' '}
          <Anchor underline="always" href={paths.signUp()}>
            Sign up
          </Anchor>{' '}
          with the address of your school or company.
        </Text>
      </Stack>
    </Center>
  )
}
