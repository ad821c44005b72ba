import { providers } from '@stipend/db/schema'
import { and, eq, isNull } from 'drizzle-orm'
import { ownerOf } from '../actor.ts'
import { invalidField, notFound } from '../errors.ts'
import { type BeforeCall, ownerCommand } from '../operation.ts'
import { catalogueEntry } from '../prices/catalogue.ts'
import { openCredential } from './credential.ts'
import { endpointOf, headersFor, kindOf, type ListedModel, type ProviderKindName, readModelList } from './kinds.ts'
import { enteredView } from './price.ts'
import { ProviderRef, TryProvider, Verdict } from './provider.ts'

const TIMEOUT_MS = 10_000
/** OpenRouter's list is the largest there is, with some 500 KB. */
const BYTES_MAX = 8 * 1024 * 1024
/** Above this people notice that they wait. */
const SLOW_MS = 2_000

/** `isTrusted`: the platform itself named the address. */
type Connection = { kind: ProviderKindName; base_url: string; credential: string | null; isTrusted: boolean }

export const tryNew = ownerCommand({
  name: 'providers.try_new',
  permission: 'providers:write',
  summary:
    'Try a connection before making a provider of it: whether it answers, takes the API key, and which models it has.',
  input: TryProvider,
  output: Verdict,
  errors: [],
  before: ({ actor, input, reach }) => {
    const base_url = input.base_url ?? kindOf(input.kind).base_url
    if (base_url === null) throw invalidField('base_url', `Give the address of your ${kindOf(input.kind).title}.`)
    const isTrusted = ownerOf(actor) === null
    return tryOut(reach, { kind: input.kind, base_url, credential: input.credential ?? null, isTrusted })
  },
  // Nothing was changed, so there is nothing to record.
  handle: async ({ before }) => ({ output: before, audit: [] }),
})

export const tryAgain = ownerCommand({
  name: 'providers.try',
  permission: 'providers:write',
  summary: 'Try the connection of a provider: whether it answers, takes its API key, and which models it has.',
  input: ProviderRef,
  output: Verdict,
  errors: ['not_found'],
  before: async (call) => tryOut(call.reach, await connectionOf(call)),
  handle: async ({ before }) => ({ output: before, audit: [] }),
})

async function connectionOf({
  actor,
  input,
  read,
  masterKeys,
}: BeforeCall<'owner', { id: string }>): Promise<Connection> {
  const [row] = await read((tx) =>
    tx
      .select()
      .from(providers)
      .where(and(eq(providers.id, input.id), isNull(providers.deleted_at))),
  )
  // The platform's are the operator's to try.
  if (row === undefined || row.tenant_id !== ownerOf(actor)) throw notFound('provider')
  const place = { tenant_id: row.tenant_id, provider_id: row.id }
  const credential = row.credential === null ? null : openCredential(masterKeys(), row.credential, place)
  return { kind: row.kind, base_url: row.base_url, credential, isTrusted: row.tenant_id === null }
}

type Answer = { status: number; body: Buffer; ms: number }
type Tick = Verdict['reachable']

const UNKNOWN: Tick = { is_ok: null, says: 'Not found out, since the step before failed.' }

/** Asks a provider for its list of models and judges what comes. Never throws, and says nothing of what the answer said. */
async function tryOut(reach: BeforeCall<'owner', unknown>['reach'], at: Connection): Promise<Verdict> {
  const kind = kindOf(at.kind)
  const startedAt = performance.now()
  let answer: Answer
  try {
    const headers = { accept: 'application/json', ...headersFor(at.kind, at.credential) }
    const { isTrusted } = at
    const got = await reach(endpointOf(at, 'models').href, {
      headers,
      isTrusted,
      timeoutMs: TIMEOUT_MS,
      bytesMax: BYTES_MAX,
    })
    answer = { ...got, ms: Math.round(performance.now() - startedAt) }
  } catch (error) {
    const reachable = { is_ok: false, says: whyNot(error) }
    const latency = { ...UNKNOWN, ms: null }
    return { is_ok: false, reachable, credential: UNKNOWN, models: UNKNOWN, latency, found: [] }
  }
  const { status, ms } = answer
  const latency = {
    is_ok: true,
    ms,
    says:
      ms > SLOW_MS ? `It answered after ${(ms / 1000).toFixed(1)} s, which is slow.` : `It answered after ${ms} ms.`,
  }
  const host = new URL(at.base_url).host
  const reachable = { is_ok: true, says: `${host} answers.` }
  if (status === 401 || status === 403) {
    const says =
      at.credential === null
        ? 'It wants an API key. Give the one it gave you.'
        : 'It refuses this API key. Check that you pasted all of it, and that it isn’t revoked or for another project.'
    return { is_ok: false, reachable, credential: { is_ok: false, says }, models: UNKNOWN, latency, found: [] }
  }
  if (status >= 500 || status === 429) {
    const says = `${host} answers, but with an error (${status}). Try again in a moment.`
    return { is_ok: false, reachable: { is_ok: false, says }, credential: UNKNOWN, models: UNKNOWN, latency, found: [] }
  }
  const listed = status === 200 ? readModelList(parsed(answer.body)) : undefined
  if (listed === undefined) {
    const says =
      status >= 300 && status < 400
        ? 'The address sends on to another one. Give that one instead.'
        : `There is no list of models at this address (${status}). Check the end of it: it is mostly /v1.`
    return { is_ok: false, reachable, credential: UNKNOWN, models: { is_ok: false, says }, latency, found: [] }
  }
  const credential = {
    is_ok: true,
    says: at.credential === null ? 'It wants no API key.' : 'It takes this API key.',
  }
  const names = `${listed.length} ${listed.length === 1 ? 'model' : 'models'}`
  const says = !kind.lists_names
    ? 'Requests name deployments here, which it doesn’t list: add yours by their names.'
    : listed.length === 0
      ? 'It offers no models yet.'
      : `It offers ${names}.`
  const found = kind.lists_names ? listed.map((model) => describe(at.kind, model)) : []
  const models = { is_ok: listed.length > 0 || !kind.lists_names, says }
  return { is_ok: models.is_ok, reachable, credential, models, latency, found }
}

/** What the provider says of a model; what it doesn't say, from our catalogue. */
function describe(kind: ProviderKindName, { name, context_tokens_max, output_tokens_max }: ListedModel) {
  const entry = catalogueEntry(kind, name)
  return {
    name,
    context_tokens_max: context_tokens_max ?? entry?.context_tokens_max ?? null,
    output_tokens_max: output_tokens_max ?? entry?.output_tokens_max ?? null,
    dialects: entry?.dialects ?? [...kindOf(kind).usual_dialects],
    price: entry === undefined ? null : enteredView(entry.price),
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function whyNot(error: unknown): string {
  const code = String((error as { code?: unknown } | null)?.code ?? '')
  const name = error instanceof Error ? error.name : ''
  if (code === 'FORBIDDEN_ADDRESS') {
    return 'This address is not on the internet. Providers in a network of your own must be allowed by whoever runs Stipend.'
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'There is no such host. Check the spelling of the address.'
  if (code === 'ECONNREFUSED') return 'Nothing listens at this address. Check the host and the port.'
  if (name === 'TimeoutError' || name === 'AbortError' || /TIMEOUT|ETIMEDOUT/.test(code)) {
    return `It did not answer within ${TIMEOUT_MS / 1000} seconds. Check the address, and that it may be reached from outside.`
  }
  if (/CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    return 'Its certificate is not valid for this address. Check the host name, and that it begins with https://.'
  }
  return 'The connection broke off. Check the address, and that it begins with https://.'
}
