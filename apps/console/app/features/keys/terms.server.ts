import { text } from '../../session.server.ts'
import { RENEWALS } from './key-state.tsx'

/** What the form's fields ask to grant with a key, or with many, as the operations take it. */
export function readTerms(form: FormData) {
  return {
    name: text(form, 'name'),
    budget_usd: text(form, 'budget_usd') || null,
    renewal: RENEWALS.find((one) => one === text(form, 'renewal')) ?? ('never' as const),
    valid_from: text(form, 'valid_from') || null,
    valid_until: text(form, 'valid_until') || null,
    ...readRestrictions(form),
  }
}

/** What a key may be used with: empty lists mean no restriction. */
export function readRestrictions(form: FormData) {
  return {
    provider_id: text(form, 'provider_id') || null,
    allowed_models: form.getAll('allowed_models').map(String),
    allowed_ips: form.getAll('allowed_ips').map(String),
    requests_per_minute: Number(text(form, 'requests_per_minute')) || null,
  }
}
