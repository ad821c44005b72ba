import { billing, statements, topUps } from '@stipend/billing'
import {
  type AnyOperation,
  allocations,
  audit,
  balance,
  chats,
  coding,
  domains,
  groups,
  imports,
  invitations,
  keys,
  lessons,
  locations,
  members,
  models,
  providers,
  rules,
  serviceTokens,
  tenants,
  usage,
} from '@stipend/core'
import { DomainError, ERROR_CODES, type ErrorCode } from '@stipend/core/errors'
import {
  type OpenAPIObject,
  OpenApiBuilder,
  type OperationObject,
  type ParameterObject,
  type ReferenceObject,
  type ResponseObject,
  type SchemaObject,
} from 'openapi3-ts/oas31'
import { z } from 'zod'
import { ERRORS, toProblem } from './errors.ts'
import { ROUTES, type Route } from './rest.ts'

/** Names that generated clients give to what goes in and comes out. What has no name here stands in its place in full. */
const OUTPUTS: Record<string, z.ZodType> = {
  Tenant: tenants.get.output,
  Location: locations.create.output,
  LocationList: locations.list.output,
  DeletedLocation: locations.delete.output,
  Group: groups.create.output,
  GroupList: groups.list.output,
  DeletedGroup: groups.delete.output,
  GroupMembersAdded: groups.addMembers.output,
  GroupMembersRemoved: groups.removeMembers.output,
  Member: members.get.output,
  MemberList: members.list.output,
  MemberCount: members.count.output,
  MembersActOutcome: members.remove.output,
  SentInvitations: invitations.send.output,
  RevokedInvitations: invitations.revoke.output,
  Domain: domains.set.output,
  DomainList: domains.list.output,
  RemovedDomain: domains.remove.output,
  Import: imports.get.output,
  ImportRow: imports.listRows.output.shape.data.element,
  ImportRowList: imports.listRows.output,
  Budget: keys.get.output.shape.budget,
  Key: keys.get.output,
  CreatedKey: keys.create.output,
  ReplacedKey: keys.replace.output,
  ListedKey: keys.list.output.shape.data.element,
  KeyList: keys.list.output,
  ManyKeysPreview: keys.previewCreateMany.output,
  CreatedKeys: keys.createMany.output,
  Lesson: lessons.get.output,
  LessonEnd: lessons.end.output,
  LessonPaused: lessons.pause.output,
  KeysChanged: keys.revokeMany.output,
  Allocation: allocations.create.output,
  AllocationList: allocations.list.output,
  Model: models.list.output.shape.data.element,
  ModelList: models.list.output,
  Provider: providers.get.output,
  ProviderList: providers.list.output,
  ProviderKindList: providers.listKinds.output,
  DeletedProvider: providers.delete.output,
  ProviderModel: providers.listModels.output.shape.data.element,
  ProviderModelList: providers.listModels.output,
  ProviderVerdict: providers.tryNew.output,
  PriceHistory: providers.listPrices.output,
  PricePreview: providers.previewPrices.output,
  Rule: rules.get.output,
  RuleList: rules.list.output,
  DeletedRule: rules.delete.output,
  RuleTrial: rules.try.output,
  UsageEvent: usage.list.output.shape.data.element,
  UsageList: usage.list.output,
  UsageSummary: usage.summary.output,
  UsageReportRow: coding.report.output.shape.data.element,
  UsageReport: coding.report.output,
  Chat: chats.list.output.shape.data.element,
  ChatList: chats.list.output,
  Balance: balance.get.output,
  BalanceLevel: balance.level.output,
  LedgerTransaction: balance.listLedger.output.shape.data.element,
  LedgerPage: balance.listLedger.output,
  Promotion: balance.promote.output,
  PromotionList: balance.listPromotions.output,
  TopUp: topUps.get.output,
  TopUpList: topUps.list.output,
  Billing: billing.get.output,
  BillingLink: billing.confirm.output,
  Reconciliation: billing.reconcile.output,
  StatementList: statements.list.output,
  Statement: statements.get.output,
  ServiceToken: serviceTokens.revoke.output,
  CreatedServiceToken: serviceTokens.create.output,
  ServiceTokenList: serviceTokens.list.output,
  AuditEntry: audit.list.output.shape.data.element,
  AuditList: audit.list.output,
}

const INPUTS: Record<string, z.ZodType> = {
  CreateLocation: locations.create.input,
  CreateGroup: groups.create.input,
  AddGroupMembers: groups.addMembers.input,
  SetGroupLeads: groups.setLeads.input,
  CreateMember: members.create.input,
  MoveMembers: members.move.input,
  RemoveMembers: members.remove.input,
  SetDomain: domains.set.input,
  CreateImport: imports.create.input,
  CreateKey: keys.create.input,
  CreateManyKeys: keys.createMany.input,
  RaiseKey: keys.raise.input,
  EndLesson: lessons.end.input,
  PauseLesson: lessons.pause.input,
  SelectKeys: keys.revokeMany.input,
  CreateAllocation: allocations.create.input,
  CreateTopUp: topUps.create.input,
  SetAutomaticTopUp: billing.setAutomatic.input,
  SetBalanceAlert: billing.setAlert.input,
  Reconcile: billing.reconcile.input,
  CreateProvider: providers.create.input,
  CreateRule: rules.create.input,
  CreateServiceToken: serviceTokens.create.input,
}

const TAGS: Record<string, string> = {
  tenants: 'The organisation: a school board or a company.',
  locations: 'Schools or offices of the organisation.',
  groups: 'Classes or teams, each inside one location.',
  members: 'The people of the organisation.',
  invitations: 'Links by mail with which people come in.',
  domains: 'Mail domains whose people may join by themselves.',
  imports: 'Many people at once, from files.',
  keys: 'What coding tools send to the gateway, each with a budget.',
  lessons: 'A class or team at this moment.',
  allocations: 'Pots of money that several keys draw from.',
  models: 'What keys can ask for, and what it costs.',
  providers: 'Where models come from: connections of your own and of the platform, with their models and prices.',
  rules: 'What is allowed or blocked for whom, with which models and when. The first rule that matches decides.',
  usage: 'Requests that were made and what they cost.',
  coding: 'Who used their keys how much.',
  chats: 'Conversations made with keys.',
  balance: 'The prepaid money of the organisation.',
  statements: 'What came in and went out, by the month.',
  top_ups: 'Payments that bring money to the balance.',
  billing: 'How the organisation pays.',
  service_tokens: 'What scripts send to this API.',
  audit: 'Who changed what, and when.',
}

const DESCRIPTION = `
Manage people, keys and budgets, and read what was used.

- Send a service token with every request: \`authorization: Bearer st-stp-…\`. What it may do are its scopes.
- Bodies and answers are JSON. Money is a decimal string in US dollars (\`"5.00"\`), in fields that end in \`_usd\`. Times are RFC 3339 in UTC.
- Fields that do not exist are refused, in bodies and in query strings. New ones may appear in answers.
- A list answers \`{"data": […], "next_cursor": …}\`. Pass \`next_cursor\` as \`cursor\` to get the next page; on the last it is null.
- Errors are \`application/problem+json\` (RFC 9457) with a stable \`code\`. [All codes](/docs/errors) are explained.
- Every answer has an \`x-request-id\`. Tell it to us when something is wrong.
- A POST with an \`Idempotency-Key\` is done once, however often it is sent: repeats get the first answer with
  \`idempotency-replayed: true\`, without secrets, for 24 hours. The same key with another request is refused with \`idempotency_key_reused\`.
`.trim()

/** The API's OpenAPI 3.1 document, from the routes and the operations behind them. */
export function buildOpenApi(): OpenAPIObject {
  const builder = OpenApiBuilder.create()
    .addOpenApiVersion('3.1.0')
    .addInfo({ title: 'Stipend API', version: '1', description: DESCRIPTION })
    .addServer({ url: '/' })
    .addSecurityScheme('service_token', {
      type: 'http',
      scheme: 'bearer',
      description: 'A service token, `st-stp-…`. An owner makes one in the console; it is shown once.',
    })
  for (const [name, description] of Object.entries(TAGS)) builder.addTag({ name, description })

  for (const [name, schema] of Object.entries(componentSchemas())) builder.addSchema(name, schema)
  builder.addSchema('Problem', PROBLEM)
  addHeadersAndParameters(builder)

  for (const route of ROUTES) {
    builder.addPath(route.path, { [route.method.toLowerCase()]: operationObject(builder, route) })
  }
  return builder.getSpec()
}

function operationObject(builder: OpenApiBuilder, { method, path, operation, status }: Route): OperationObject {
  const { tag, id } = namesOf(operation)
  const { name: bodyName, schema: input } = inputSchema(operation)
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')
  const { properties = {}, required = [] } = input
  const rest = Object.keys(properties).filter((name) => !inPath.includes(name))

  const parameters: (ParameterObject | ReferenceObject)[] = inPath.map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: properties[name] as SchemaObject,
  }))
  if (method === 'GET') {
    for (const name of rest) parameters.push(queryParameter(name, properties[name] as SchemaObject, required))
  } else {
    parameters.push(ref('parameters', 'IdempotencyKey'))
  }

  const body = bodyName === null ? undefined : ref('schemas', bodyName)
  return {
    operationId: id,
    tags: [tag],
    summary: operation.summary,
    description: `Needs the scope \`${operation.permission}\`.`,
    security: [{ service_token: [operation.permission] }],
    parameters,
    ...(method !== 'GET' && rest.length > 0 && body !== undefined
      ? { requestBody: { required: true, content: json(body, exampleOf(builder, body)) } }
      : {}),
    responses: {
      [status]: success(builder, method, operation),
      ...Object.fromEntries(failures(builder, operation)),
    },
  }
}

function success(builder: OpenApiBuilder, method: Route['method'], operation: AnyOperation): ResponseObject {
  const output = nameOf(OUTPUTS, operation.output)
  if (output === null) throw new Error(`${operation.name} has no name for its output in the OpenAPI document`)
  const schema = ref('schemas', output)
  return {
    description: method === 'GET' ? 'What was asked for.' : 'Done.',
    headers: {
      'x-request-id': ref('headers', 'RequestId'),
      ...(method !== 'GET' ? { 'idempotency-replayed': ref('headers', 'IdempotencyReplayed') } : {}),
    },
    content: json(schema, exampleOf(builder, schema)),
  }
}

/** Codes any operation may fail with, beyond those it declares. */
const UNIVERSAL: Record<'query' | 'command', readonly ErrorCode[]> = {
  query: ['invalid_request', 'unauthenticated', 'forbidden', 'internal', 'unavailable'],
  command: [
    'invalid_request',
    'unauthenticated',
    'forbidden',
    'request_timeout',
    'idempotency_key_reused',
    'request_too_large',
    'unsupported_media_type',
    'internal',
    'unavailable',
  ],
}

/** One response for each status; several codes may share it. */
function failures(builder: OpenApiBuilder, operation: AnyOperation): [number, ReferenceObject][] {
  const codes = new Set<ErrorCode>([...UNIVERSAL[operation.kind], ...operation.errors])
  const byStatus = Map.groupBy(
    ERROR_CODES.filter((code) => codes.has(code)),
    (code) => ERRORS[code].status,
  )
  return [...byStatus].map(([status, shared]) => {
    const name = shared.map(pascalCase).join('Or')
    builder.addResponse(name, {
      description: shared.map((code) => `\`${code}\`: ${ERRORS[code].remedy}`).join('\n\n'),
      headers: {
        'x-request-id': ref('headers', 'RequestId'),
        ...(status === 401 ? { 'www-authenticate': ref('headers', 'WwwAuthenticate') } : {}),
        ...(status === 503 ? { 'retry-after': ref('headers', 'RetryAfter') } : {}),
        ...(status < 500 && status !== 408 ? { 'x-should-retry': ref('headers', 'ShouldRetry') } : {}),
      },
      content: {
        'application/problem+json': {
          schema: ref('schemas', 'Problem'),
          examples: Object.fromEntries(shared.map((code) => [code, { value: problemExample(code) }])),
        },
      },
    })
    return [status, ref('responses', name)]
  })
}

function problemExample(code: ErrorCode): object {
  const fields = code === 'invalid_request' ? { fields: [{ path: 'name', message: 'Give a name.' }] } : {}
  return toProblem(new DomainError(code, `${ERRORS[code].title}.`, fields), EXAMPLE_REQUEST_ID).body
}

const EXAMPLE_REQUEST_ID = 'req_01jd4k0v8m3q6y1x2z5w7t9rbc'

const PROBLEM: SchemaObject = {
  type: 'object',
  description: 'An error, as RFC 9457 has it.',
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'Where the code is explained.' },
    title: { type: 'string', description: 'The same for every error of this code.' },
    status: { type: 'integer', minimum: 400, maximum: 599 },
    code: { type: 'string', enum: [...ERROR_CODES], description: 'Stable: programs may rely on it.' },
    detail: { type: 'string', description: 'What is wrong this time, for people.' },
    request_id: { type: 'string', examples: [EXAMPLE_REQUEST_ID] },
    errors: {
      type: 'array',
      description: 'The fields that are wrong, where it is about fields.',
      items: {
        type: 'object',
        properties: {
          path: { type: 'string', description: 'The field, with dots inside lists and objects: `member_ids.3`.' },
          message: { type: 'string' },
        },
        required: ['path', 'message'],
      },
    },
  },
  required: ['type', 'title', 'status', 'code', 'detail', 'request_id'],
}

function addHeadersAndParameters(builder: OpenApiBuilder): void {
  builder.addHeader('RequestId', {
    description: 'Names this request in our logs.',
    schema: { type: 'string', examples: [EXAMPLE_REQUEST_ID] },
  })
  builder.addHeader('IdempotencyReplayed', {
    description: '`true` if this is the answer to an earlier request with the same Idempotency-Key.',
    schema: { type: 'string', enum: ['true'] },
  })
  builder.addHeader('WwwAuthenticate', { description: '`Bearer`.', schema: { type: 'string' } })
  builder.addHeader('RetryAfter', { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } })
  builder.addHeader('ShouldRetry', {
    description: '`false`: the same request will be refused again.',
    schema: { type: 'string', enum: ['false'] },
  })
  builder.addParameter('IdempotencyKey', {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'Makes it safe to send the request again: a value of your choice, a new one for each different request. It counts for 24 hours.',
    schema: { type: 'string', minLength: 1, maxLength: 255, examples: ['import-2026-11-21-row-17'] },
  })
}

function queryParameter(name: string, schema: SchemaObject, required: readonly string[]): ParameterObject {
  const { description, ...rest } = schema
  const about = description ?? `Only those with this \`${name}\`.`
  return { name, in: 'query', required: required.includes(name), description: about, schema: rest }
}

function componentSchemas(): Record<string, SchemaObject> {
  const inputs = toJsonSchemas(INPUTS, 'input')
  for (const { path, operation } of ROUTES) {
    const name = nameOf(INPUTS, operation.input)
    const schema = name === null ? undefined : inputs[name]
    if (schema === undefined) continue
    // What stands in the path isn't in the body.
    for (const [, field = ''] of path.matchAll(/\{(\w+)\}/g)) {
      delete schema.properties?.[field]
      schema.required = (schema.required ?? []).filter((one) => one !== field)
    }
  }
  return { ...toJsonSchemas(OUTPUTS, 'output'), ...inputs }
}

function toJsonSchemas(named: Record<string, z.ZodType>, io: 'input' | 'output'): Record<string, SchemaObject> {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const override = io === 'output' ? open : plain
  const { schemas } = z.toJSONSchema(registry, { io, uri: (id) => `#/components/schemas/${id}`, override })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $id: _, $schema: __, ...schema }]) => [name, schema as SchemaObject]),
  )
}

/** Clients must not break when an answer gains a field. */
function open(node: { jsonSchema: Record<string, unknown> }): void {
  plain(node)
  delete node.jsonSchema.additionalProperties
}

function inputSchema(operation: AnyOperation): { name: string | null; schema: SchemaObject } {
  const { $schema: _, ...schema } = z.toJSONSchema(operation.input, { io: 'input', override: plain })
  return { name: nameOf(INPUTS, operation.input), schema: schema as SchemaObject }
}

/** Leaves out what says nothing to a reader: the pattern behind a format, the range of every whole number. */
function plain({ jsonSchema }: { jsonSchema: Record<string, unknown> }): void {
  if (jsonSchema.format === 'date-time' || jsonSchema.format === 'date') delete jsonSchema.pattern
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
}

/** What fields of these names show in examples, where it isn't said or wouldn't fit together: this key isn't revoked. */
const EXAMPLES: Record<string, string | null> = {
  spent_usd: '1.25',
  remaining_usd: '3.75',
  valid_until: '2027-07-31T22:00:00.000Z',
  disabled_at: null,
  ends_at: '2026-11-21T10:50:00+01:00',
  revoked_at: null,
  next_cursor: null,
  name: 'Mathilde Okafor',
  member_name: 'Mathilde Okafor',
  search: 'okafor',
  member_search: 'okafor',
  key_masked: 'sk-stp-…x7Qa',
  thread: 'Vb3n0hQzJ6w1kq9XcR2m4A',
  disabled_exactly_at: '2026-11-21T09:30:00.000Z',
  external_id: 'sis-1042',
  invited_at: null,
  invitation_expires_at: null,
  email: 'mathilde.okafor@lindenhof.example',
  member_email: 'mathilde.okafor@lindenhof.example',
  created_by_name: 'Willem Jansen',
  slug: 'lindenhof',
  cause: 'Invoice 2026-0117',
  subject: '2026-11-21 09:00',
  detail: 'The ledger charged something else than was used.',
  organisation: 'Lindenhof',
  payment_id: null,
  covers_from: null,
  covers_until: null,
  balance_after_usd: '312.40',
  time_zone: 'Europe/Berlin',
  accent_color: 'teal',
  location_name: 'Lindenhof North',
  created_by: 'mem_01jd4k0v8m3q6y1x2z5w7t9rbc',
  actor_id: 'mem_01jd4k0v8m3q6y1x2z5w7t9rbc',
  target_id: 'key_01jd4k0v8m3q6y1x2z5w7t9rbc',
  operation: 'keys.create',
  model: 'gpt-6-mini',
  provider: 'OpenAI',
  key_name: 'Laptop',
  masked: '…x7Qa',
  secret: '… (shown once)',
  ip: '192.0.2.7',
  request_id: EXAMPLE_REQUEST_ID,
  day: '2026-11-21',
}

/** A value that fits a schema, so that a reader sees what a request and its answer look like. */
function exampleOf(builder: OpenApiBuilder, schema: SchemaObject | ReferenceObject, field = ''): unknown {
  if ('$ref' in schema) {
    const target = builder.getSpec().components?.schemas?.[schema.$ref.replace('#/components/schemas/', '')]
    if (target === undefined) throw new Error(`${schema.$ref} is not there`)
    return exampleOf(builder, target as SchemaObject, field)
  }
  // What must look a certain way says so itself.
  if (schema.pattern !== undefined && schema.examples?.[0] !== undefined) return schema.examples[0]
  if (schema.enum?.[0] !== undefined) return schema.enum[0]
  if (EXAMPLES[field] !== undefined) return EXAMPLES[field]
  if (schema.examples?.[0] !== undefined) return schema.examples[0]
  if (schema.default !== undefined) return schema.default
  if (schema.anyOf?.[0] !== undefined) return exampleOf(builder, schema.anyOf[0], field)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') {
    const entries = Object.entries(schema.properties ?? {})
    return Object.fromEntries(entries.map(([name, inner]) => [name, exampleOf(builder, inner, name)]))
  }
  if (type === 'array') return schema.items === undefined ? [] : [exampleOf(builder, schema.items, field)]
  if (type === 'integer' || type === 'number') return 12
  if (type === 'boolean') return false
  return null
}

function namesOf(operation: AnyOperation): { tag: string; id: string } {
  const [tag = '', verb = ''] = operation.name.split('.')
  return { tag, id: `${tag}_${verb}` }
}

function nameOf(named: Record<string, z.ZodType>, schema: z.ZodType): string | null {
  return Object.entries(named).find(([, one]) => one === schema)?.[0] ?? null
}

function json(schema: ReferenceObject, example: unknown) {
  return { 'application/json': { schema, example } }
}

function ref(kind: 'schemas' | 'parameters' | 'responses' | 'headers', name: string): ReferenceObject {
  return { $ref: `#/components/${kind}/${name}` }
}

function pascalCase(code: string): string {
  return code.replaceAll(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
