import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core'
import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Form, useActionData, useLoaderData, useNavigation } from '@remix-run/react'
import { paths } from '../paths.ts'
import { sessionCookie, text, toRefusal } from '../session.server.ts'
import { Door } from '../ui/door.tsx'
import { answerOf, errorAt } from '../ui/form/act-form.tsx'
import { NewPassword } from '../ui/new-password.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'

export const meta: MetaFunction = () => [{ title: 'New password – Stipend' }, { name: 'robots', content: 'noindex' }]

const tokenOf = (request: Request) => new URL(request.url).searchParams.get('token')

export async function loader({ request, context }: LoaderFunctionArgs) {
  const token = tokenOf(request)
  if (token === null) return { email: null, ended: null }
  try {
    return { email: (await context.backend.readPasswordReset(token)).email, ended: null }
  } catch (error) {
    const { status, message } = context.backend.explain(error, context.facts)
    return data({ email: null, ended: message }, { status })
  }
}

export async function action({ request, context }: ActionFunctionArgs) {
  const form = await request.formData()
  const token = tokenOf(request)
  const password = form.get('password')
  try {
    if (token === null) {
      await context.backend.requestPasswordReset(text(form, 'email'), context.facts.ip)
      return { sent_to: text(form, 'email') }
    }
    const session = await context.backend.resetPassword(token, typeof password === 'string' ? password : '')
    return redirect(paths.home(), {
      headers: { 'set-cookie': await sessionCookie(context).serialize(session.token, { expires: session.expires_at }) },
    })
  } catch (error) {
    return toRefusal(error, context)
  }
}

export default function PasswordReset() {
  const { email, ended } = useLoaderData<typeof loader>()
  const { refused, done } = answerOf<{ sent_to: string }>(useActionData<typeof action>() as never)
  const isBusy = useNavigation().state !== 'idle'
  const back = (
    <Anchor underline="always" href={paths.login()}>
      Back to signing in
    </Anchor>
  )
  if (ended !== null) {
    return (
      <Door
        title="This link has ended"
        sentence={ended}
        after={
          <Anchor underline="always" href={paths.passwordReset()}>
            Ask for a new link
          </Anchor>
        }
      />
    )
  }
  if (done !== null) {
    return (
      <Door title="Look at your mail" after={back}>
        <Text role="status">
          If {done.sent_to} has an account, a mail with a link is on its way. It works for an hour.
        </Text>
      </Door>
    )
  }
  return (
    <Door
      title={email === null ? 'Forgotten password' : 'New password'}
      sentence={
        email === null ? 'We send you a link to choose a new one.' : `For ${email}. You are signed out everywhere else.`
      }
      after={back}
    >
      <Form method="post">
        <Stack gap="md">
          {refused?.fields.length === 0 && <RefusalAlert of={refused} />}
          {email === null ? (
            <TextInput
              name="email"
              type="email"
              label="E-mail address"
              autoComplete="username"
              required
              withAsterisk={false}
              autoFocus
              error={errorAt(refused, 'email')}
            />
          ) : (
            <NewPassword error={errorAt(refused, 'password')} isFirst />
          )}
          <Button type="submit" loading={isBusy} fullWidth mt="xs">
            {email === null ? 'Send me a link' : 'Save the new password'}
          </Button>
        </Stack>
      </Form>
    </Door>
  )
}
