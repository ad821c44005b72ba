import { Alert, Anchor, Stack, Text, Title } from '@mantine/core'
import { Link, useFetcher } from '@remix-run/react'
import { type ReactNode, useRef, useState } from 'react'
import { paths } from '../../paths.ts'
import { ActForm, answerOf } from '../../ui/form/act-form.tsx'
import { PageHeader } from '../../ui/page-header.tsx'
import { counted } from '../../words.ts'
import { restrictionWords } from '../keys/restrictions.ts'
import { TERMS_FIELDS, TermsFields, useTerms } from '../keys/terms-fields.tsx'
import { Handout } from '../slips/handout.tsx'
import { useTenant } from '../tenant.ts'
import type { actNewKeys, loadNewKeys } from './new-keys.server.ts'
import { Recipients } from './recipients.tsx'
import { sumOf } from './sum.ts'

type Loaded = Awaited<ReturnType<typeof loadNewKeys>>
type Acted = Awaited<ReturnType<typeof actNewKeys>>

/** Keys for a class or a place at once: who, what, confirm; then the slips to hand out. */
export function NewKeys(loaded: Loaded) {
  const { place, kind, idempotency_key, allocations, choices, available_usd, may_write } = loaded
  const { slug, tenant_name, time_zone, words } = useTenant()
  const fetcher = useFetcher<Acted>()
  const { refused, done } = answerOf<Acted>(fetcher.data as Acted | undefined)
  const terms = useTerms(refused, choices)
  const tab = useRef<Window | null>(null)
  const [unticked, setUnticked] = useState<ReadonlySet<string>>(new Set())
  const [addsToThoseWithKey, setAdds] = useState(false)
  const withKey = loaded.left_out.filter((one) => one.reason === 'has_active_key')
  const recipients = addsToThoseWithKey
    ? [...loaded.recipients, ...withKey].toSorted((a, b) => a.member_name.localeCompare(b.member_name))
    : loaded.recipients
  const chosen = recipients.filter((one) => !unticked.has(one.member_id))
  const { sentence, isMoreThanThereIs } = sumOf(chosen.length, terms.terms, available_usd)

  if (done !== null) {
    const { keys } = done.created
    const secrets = keys.flatMap(({ secret, ...key }) => (secret === null ? [] : [{ ...key, secret }]))
    if (secrets.length < keys.length) return <MadeAlready place={place} count={keys.length} />
    return (
      <Handout
        tab={tab.current}
        sheet={{
          tenant_name,
          place,
          time_zone,
          made_at: loaded.made_at,
          base_url: loaded.gateway_url,
          slip_url: `${window.location.origin}${loaded.slip_path}`,
          slips: secrets.map(({ member_name, secret, budget, valid_from, valid_until }) => ({
            name: member_name,
            secret,
            budget_usd: budget.limit_usd,
            renewal: budget.renewal,
            valid_from,
            valid_until,
          })),
        }}
      />
    )
  }

  // A tab that opens later than the click is taken for advertising and kept shut.
  const openTab = () => {
    if (tab.current !== null && !tab.current.closed) return
    tab.current = window.open('', '_blank')
    if (tab.current === null) return
    tab.current.document.title = `Keys of ${place}`
    tab.current.document.body.textContent = 'The slips are being made…'
  }
  if (refused !== null && tab.current !== null) {
    tab.current.close()
    tab.current = null
  }

  return (
    <Stack gap="lg" maw={720}>
      <PageHeader
        title={`Create keys for ${place}`}
        sentence={`One key for each person of this ${words[kind].toLowerCase()}, and a slip for each to hand out.`}
      />
      {!may_write ? (
        <Alert color="gray">Your role can see keys but not make them. An administrator can.</Alert>
      ) : recipients.length === 0 && withKey.length === 0 ? (
        <Stack gap="md">
          <Alert color="gray" title="Nobody here can get a key yet">
            {loaded.left_out.length === 0 ? 'There is nobody in it.' : 'Everybody is left out, for the reasons below.'}
          </Alert>
          <Recipients
            recipients={[]}
            leftOut={loaded.left_out}
            unticked={unticked}
            onTick={() => undefined}
            onTickAll={() => undefined}
            addsToThoseWithKey={false}
            onAddToThoseWithKey={() => undefined}
          />
        </Stack>
      ) : (
        <ActForm
          fetcher={fetcher}
          idempotencyKey={idempotency_key}
          sentence={
            chosen.length === 0 ? (
              'Nobody is ticked.'
            ) : terms.isValid ? (
              <>
                {sentence}
                {restrictionWords(terms.terms, choices)}
                {isMoreThanThereIs && (
                  <Text size="sm" mt={4} fw={500}>
                    That is more than the balance has: once it is used up, all of them stop.
                  </Text>
                )}
              </>
            ) : (
              terms.problem
            )
          }
          act={`Create ${counted(chosen.length, 'key')}`}
          canSend={() => {
            const can = terms.canSend() && chosen.length > 0
            if (can && fetcher.state === 'idle') openTab()
            return can
          }}
          isDisabled={chosen.length === 0}
          isTouched={terms.isTouched || unticked.size > 0}
          leaveTitle="Leave without making the keys?"
          refused={refused}
          fields={TERMS_FIELDS}
        >
          {(unticked.size > 0 || addsToThoseWithKey) && (
            <input type="hidden" name="member_ids" value={chosen.map((one) => one.member_id).join(',')} />
          )}
          <input type="hidden" name="with_active_key" value={addsToThoseWithKey ? 'add' : 'skip'} />
          <input type="hidden" name="expected_keys" value={chosen.length} />
          <Step number={1} title="Who">
            <Recipients
              recipients={recipients}
              leftOut={
                addsToThoseWithKey ? loaded.left_out.filter((one) => one.reason !== 'has_active_key') : loaded.left_out
              }
              unticked={unticked}
              onTick={(member_id, isTicked) =>
                setUnticked((before) => {
                  const after = new Set(before)
                  if (isTicked) after.delete(member_id)
                  else after.add(member_id)
                  return after
                })
              }
              onTickAll={(isTicked) => setUnticked(new Set(isTicked ? [] : recipients.map((one) => one.member_id)))}
              addsToThoseWithKey={addsToThoseWithKey}
              onAddToThoseWithKey={setAdds}
            />
          </Step>
          <Step number={2} title="What">
            <Stack gap="lg">
              <TermsFields of={terms} allocations={allocations} each />
            </Stack>
          </Step>
          <Step number={3} title="Confirm">
            <Text size="sm" c="dimmed">
              All of them are made, or none. The slips open in a new tab and can’t be had again: print or save them
              then.
            </Text>
          </Step>
        </ActForm>
      )}
      <Anchor component={Link} to={paths.coding(slug)} size="sm">
        Back to Coding
      </Anchor>
    </Stack>
  )
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <section aria-label={title}>
      <Title order={2} size="h4" mb="xs">
        {number}. {title}
      </Title>
      {children}
    </section>
  )
}

function MadeAlready({ place, count }: { place: string; count: number }) {
  const { slug } = useTenant()
  return (
    <Stack gap="lg" maw={720}>
      <PageHeader title={`Keys for ${place}`} sentence={`${counted(count, 'key was', 'keys were')} made already.`} />
      <Alert color="yellow" title="Their secrets can’t be shown again">
        The first answer had them, and nothing keeps them. If it was lost, revoke these keys on the page Coding and make
        new ones.
      </Alert>
      <Anchor component={Link} to={paths.coding(slug)} size="sm">
        Back to Coding
      </Anchor>
    </Stack>
  )
}
