import type { useFetcher } from '@remix-run/react'
import type { Refusal } from '../../session.server.ts'
import { ActForm } from '../../ui/form/act-form.tsx'
import { useNow } from '../../ui/now.tsx'
import { useTenant } from '../tenant.ts'
import { sentenceOf } from './draft.ts'
import { type Choices, restrictionWords } from './restrictions.ts'
import { TERMS_FIELDS, TermsFields, useTerms } from './terms-fields.tsx'

type Props = {
  fetcher: ReturnType<typeof useFetcher<unknown>>
  /** Whom the key is for. */
  name: string
  idempotencyKey: string
  allocations: { id: string; name: string }[]
  choices: Choices
  refused: Refusal['error'] | null
  /** For oneself: always with a limit. */
  isOwn?: boolean
}

/** The form that makes a key: how much, how often, when. What it will do is said in a sentence above its button. */
export function KeyForm({ fetcher, name, idempotencyKey, allocations, choices, refused, isOwn = false }: Props) {
  const { time_zone } = useTenant()
  const now = useNow()
  const terms = useTerms(refused, choices)
  return (
    <ActForm
      fetcher={fetcher}
      idempotencyKey={idempotencyKey}
      sentence={
        terms.isValid
          ? sentenceOf(name, terms.terms, time_zone, now) + restrictionWords(terms.terms, choices)
          : terms.problem
      }
      act="Create key"
      canSend={terms.canSend}
      isTouched={terms.isTouched}
      leaveTitle="Leave without making the key?"
      refused={refused}
      fields={TERMS_FIELDS}
    >
      <TermsFields of={terms} allocations={allocations} isOwn={isOwn} />
    </ActForm>
  )
}
