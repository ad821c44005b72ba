import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core'
import { type ActionFunctionArgs, data, type LoaderFunctionArgs, type MetaFunction, redirect } from '@remix-run/node'
import { Form, useActionData, useLoaderData, useNavigation } from '@remix-run/react'
import { paths } from '../paths.ts'
import { sessionCookie, text, toRefusal } from '../session.server.ts'
import { Door } from '../ui/door.tsx'
import { errorAt } from '../ui/form/act-form.tsx'
import { NewPassword } from '../ui/new-password.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'

export const meta: MetaFunction = () => [{ title: 'Welcome – Stipend' }, { name: 'robots', content: 'noindex' }]

const tokenOf = (request: Request) => new URL(request.url).searchParams.get('token') ?? ''

export async function loader({ request, context }: LoaderFunctionArgs) {
  try {
    return { invitation: await context.backend.readInvitation(tokenOf(request)), ended: null }
  } catch (error) {
    const { status, message } = context.backend.explain(error, context.facts)
    return data({ invitation: null, ended: message }, { status })
  }
}

export async function action({ request, context }: ActionFunctionArgs) {
  const form = await request.formData()
  const password = form.get('password')
  try {
    const { token, expires_at, tenant_slug } = await context.backend.acceptInvitation(
      tokenOf(request),
      { name: text(form, 'name'), password: typeof password === 'string' ? password : null },
      context.facts,
    )
    return redirect(paths.overview(tenant_slug), {
      headers: { 'set-cookie': await sessionCookie(context).serialize(token, { expires: expires_at }) },
    })
  } catch (error) {
    return toRefusal(error, context)
  }
}

export default function Invitation() {
  const { invitation, ended } = useLoaderData<typeof loader>()
  const refused = useActionData<typeof action>()?.error ?? null
  const isBusy = useNavigation().state !== 'idle'
  if (invitation === null) {
    return (
      <Door
        title="This link has ended"
        sentence={ended}
        after={
          <>
            Do you have an account?{' '}
            <Anchor underline="always" href={paths.login()}>
              Sign in
            </Anchor>
          </>
        }
      />
    )
  }
  const { tenant_name, invited_by, location_name, has_account, email, name } = invitation
  const isFields = refused?.fields.some((field) => field.path === 'name' || field.path === 'password') === true
  return (
    <Door
      title={`Welcome to ${tenant_name}`}
      sentence={
        invited_by === null
          ? `Stipend gives you keys for AI coding tools, each with a budget.`
          : `${invited_by} invited you to Stipend: keys for AI coding tools, each with a budget.`
      }
      after={`Your account is for ${email}${location_name === null ? '' : `, ${location_name}`}.`}
    >
      <Form method="post">
        <Stack gap="md">
          {!isFields && <RefusalAlert of={refused} />}
          <TextInput
            name="name"
            label="Your name"
            defaultValue={name}
            autoComplete="name"
            required
            withAsterisk={false}
            maxLength={200}
            error={errorAt(refused, 'name')}
          />
          <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
          {has_account ? (
            <Text size="sm">
              You have an account with this address already: it gets you in here as well, with the password it has.
            </Text>
          ) : (
            <NewPassword error={errorAt(refused, 'password')} />
          )}
          <Button type="submit" loading={isBusy} fullWidth mt="xs">
            {has_account ? `Join ${tenant_name}` : 'Create your account'}
          </Button>
        </Stack>
      </Form>
    </Door>
  )
}
