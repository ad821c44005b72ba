import { counted } from '../../words.ts'

/** What a key may be used with, as a form holds it. */
export type RestrictionsDraft = {
  models: string[]
  provider_id: string | null
  /** One address or network per line. */
  addresses: string
  /** A number as typed; blank: any. */
  requests_per_minute: string
}

export const NO_RESTRICTIONS: RestrictionsDraft = {
  models: [],
  provider_id: null,
  addresses: '',
  requests_per_minute: '',
}

/** What a key may be used with, as the form that changes it begins. */
export function restrictionsDraft(key: Restrictions): RestrictionsDraft {
  return {
    models: key.allowed_models ?? [],
    provider_id: key.provider_id,
    addresses: (key.allowed_ips ?? []).join('\n'),
    requests_per_minute: key.requests_per_minute === null ? '' : String(key.requests_per_minute),
  }
}

/** The same in terms of the operations; null: no restriction. */
export type Restrictions = {
  allowed_models: string[] | null
  allowed_ips: string[] | null
  provider_id: string | null
  requests_per_minute: number | null
}

/** A model as a form offers it, with what a million tokens of it cost at each provider that serves it. */
export type ModelChoice = {
  name: string
  offers: { provider_id: string; input_usd_per_million: string; output_usd_per_million: string }[]
}
export type Choices = { models: ModelChoice[]; providers: { id: string; name: string }[] }

type Served = ModelChoice['offers'][number] & { name: string; provider: string }

/** What can be chosen from, of the models there are: each by name once, and those who serve them. A key's own provider stays one. */
export function choicesOf(
  served: readonly Served[],
  key?: { provider_id: string | null; provider_name: string | null },
): Choices {
  const models = new Map<string, ModelChoice>()
  const providers = new Map<string, string>()
  if (key?.provider_id != null) providers.set(key.provider_id, key.provider_name ?? 'Another provider')
  for (const { name, provider, provider_id, input_usd_per_million, output_usd_per_million } of served) {
    const model = models.get(name) ?? { name, offers: [] }
    model.offers.push({ provider_id, input_usd_per_million, output_usd_per_million })
    models.set(name, model)
    providers.set(provider_id, provider)
  }
  return {
    models: [...models.values()],
    providers: [...providers].map(([id, name]) => ({ id, name })).toSorted((a, b) => a.name.localeCompare(b.name)),
  }
}

/** Models that a key linked to a provider can be asked for. */
export function modelsOfProvider({ models }: Choices, provider_id: string | null): ModelChoice[] {
  if (provider_id === null) return models
  return models.flatMap(({ name, offers }) => {
    const theirs = offers.filter((offer) => offer.provider_id === provider_id)
    return theirs.length === 0 ? [] : [{ name, offers: theirs }]
  })
}

/** What the form says in terms of the operations, and what is wrong in it, by field. */
export function restrictionsOf(
  draft: RestrictionsDraft,
  choices: Choices,
): { restrictions: Restrictions; problems: Partial<Record<keyof Restrictions, string>> } {
  const problems: Partial<Record<keyof Restrictions, string>> = {}
  const lines = linesOf(draft.addresses)
  const bad = lines.flatMap((line, index) => (line === '' || isNetwork(line) ? [] : [`Line ${index + 1}: “${line}”`]))
  if (bad.length > 0) {
    const these = bad.length === 1 ? `${bad[0]} is no address` : `${bad.join('\n')}\nThese are no addresses`
    problems.allowed_ips = `${these}. Write one such as 192.0.2.7 or 2001:db8::7, or a network such as 192.0.2.0/24.`
  }
  const provider = choices.providers.find((one) => one.id === draft.provider_id)
  const known = modelsOfProvider(choices, null).map((one) => one.name)
  const theirs = new Set(modelsOfProvider(choices, draft.provider_id).map((one) => one.name))
  if (
    provider !== undefined &&
    draft.models.length > 0 &&
    draft.models.every((one) => known.includes(one) && !theirs.has(one))
  ) {
    problems.allowed_models = `${provider.name} serves none of these models. Choose others, or no provider.`
  }
  const typed = draft.requests_per_minute.trim()
  const isNumber = /^\d{1,6}$/.test(typed) && Number(typed) >= 1 && Number(typed) <= PER_MINUTE_MAX
  if (typed !== '' && !isNumber) {
    problems.requests_per_minute = `Type a whole number from 1 to ${PER_MINUTE_MAX.toLocaleString('en-US')}, or nothing.`
  }
  const addresses = [...new Set(lines.filter((line) => line !== ''))]
  return {
    restrictions: {
      allowed_models: draft.models.length === 0 ? null : draft.models,
      allowed_ips: addresses.length === 0 ? null : addresses,
      provider_id: draft.provider_id,
      requests_per_minute: isNumber ? Number(typed) : null,
    },
    problems,
  }
}

export const linesOf = (text: string): string[] => text.split(/\r?\n/).map((line) => line.trim())

const NAMED_MAX = 3
const PER_MINUTE_MAX = 100_000

/** " Only with gpt-5-mini, through openai, from 192.0.2.0/24." Nothing where nothing is restricted. */
export function restrictionWords(of: Restrictions, choices: Choices): string {
  const { allowed_models, allowed_ips, provider_id, requests_per_minute } = of
  const provider = choices.providers.find((one) => one.id === provider_id)?.name ?? 'its provider'
  const parts = [
    ...(allowed_models === null ? [] : [`with ${listed(allowed_models, 'models')}`]),
    ...(provider_id === null ? [] : [`through ${provider}`]),
    ...(allowed_ips === null ? [] : [`from ${listed(allowed_ips, 'addresses')}`]),
  ]
  const only = parts.length === 0 ? '' : ` Only ${parts.join(', ')}.`
  return requests_per_minute === null ? only : `${only} At most ${counted(requests_per_minute, 'request')} a minute.`
}

function listed(names: readonly string[], many: string): string {
  if (names.length > NAMED_MAX) return `${names.length} ${many}`
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** An address or a network, as the operations read one. They decide; this says it before the form is sent. */
export function isNetwork(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/')
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  if (bits === 0 || rest.length > 0) return false
  return length === undefined || (/^(?:0|[1-9]\d{0,2})$/.test(length) && Number(length) <= bits)
}

function isIPv4(text: string): boolean {
  return (
    /^\d{1,3}(\.\d{1,3}){3}$/.test(text) &&
    text.split('.').every((part) => String(Number(part)) === part && Number(part) < 256)
  )
}

function isIPv6(text: string): boolean {
  return /^[\da-f:.]+$/i.test(text) && text.includes(':') && URL.canParse(`http://[${text}]/`)
}
