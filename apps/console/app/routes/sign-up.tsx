import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core'
import type { ActionFunctionArgs, MetaFunction } from '@remix-run/node'
import { Form, useActionData, useNavigation } from '@remix-run/react'
import { paths } from '../paths.ts'
import { text, toRefusal } from '../session.server.ts'
import { Door } from '../ui/door.tsx'
import { answerOf, errorAt } from '../ui/form/act-form.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'

export const meta: MetaFunction = () => [{ title: 'Sign up – Stipend' }]

export async function action({ request, context }: ActionFunctionArgs) {
  const form = await request.formData()
  try {
    await context.backend.signUp(text(form, 'email'), context.facts.ip)
    return { sent_to: text(form, 'email') }
  } catch (error) {
    return toRefusal(error, context)
  }
}

export default function SignUp() {
  const { refused, done } = answerOf<{ sent_to: string }>(useActionData<typeof action>() as never)
  const isBusy = useNavigation().state !== 'idle'
  const back = (
    <>
      Do you have an account?{' '}
      <Anchor underline="always" href={paths.login()}>
        Sign in
      </Anchor>
    </>
  )
  if (done !== null) {
    return (
      <Door title="Look at your mail" after={back}>
        <Text role="status">
          If your school or company lets {done.sent_to} join, a mail with a link is on its way. It works for a day.
          Nothing came? Look among unwanted mail, or ask whoever looks after Stipend where you are.
        </Text>
      </Door>
    )
  }
  return (
    <Door title="Sign up" sentence="With the mail address of your school or company." after={back}>
      <Form method="post">
        <Stack gap="md">
          {errorAt(refused, 'email') === undefined && <RefusalAlert of={refused} />}
          <TextInput
            name="email"
            type="email"
            label="E-mail address"
            autoComplete="email"
            required
            withAsterisk={false}
            autoFocus
            error={errorAt(refused, 'email')}
          />
          <Button type="submit" loading={isBusy} fullWidth mt="xs">
            Send me a link
          </Button>
        </Stack>
      </Form>
    </Door>
  )
}
