export {
  type Actor,
  actorId,
  may,
  PERMISSIONS,
  type Permission,
  ROLES,
  type Role,
  type TenantPermission,
} from './actor.ts'
export * as allocations from './allocations/operations.ts'
export * as audit from './audit/operations.ts'
export { type LedgerKind, type Posting, postToLedger } from './balance/ledger.ts'
export * as balance from './balance/operations.ts'
export { readBalance, readStanding, type Standing } from './balance/read.ts'
export * as chats from './chats/operations.ts'
export { type ChatTitle, forgetTitles, keepsTitles, keepTitle, TITLE_MAX } from './chats/titles.ts'
export * as coding from './coding/index.ts'
export * as domains from './domains/operations.ts'
export { DomainError, ERROR_CODES, type ErrorCode, type ErrorDetails, type FieldError } from './errors.ts'
export {
  asDomainError,
  type Dependencies,
  type Executed,
  type ExecuteOptions,
  execute,
  forgetAnswers,
} from './execute.ts'
export { Instant, InstantInput, Name, toNanos, UsdInput, UsdOutput } from './fields.ts'
export * as groups from './groups/operations.ts'
export { ID_PREFIXES, type IdKind, idSchema, newId } from './id.ts'
export { forgetDrafts } from './imports/drafts.ts'
export * as imports from './imports/operations.ts'
export * as invitations from './invitations/operations.ts'
export * as keys from './keys/index.ts'
export { type KeySlip, readSlip } from './keys/slip.ts'
export * as lessons from './lessons/operations.ts'
export * as locations from './locations/operations.ts'
export * as members from './members/operations.ts'
export * as models from './models/operations.ts'
export {
  type AnyOperation,
  type AuditNote,
  type Command,
  command,
  type Given,
  type Operation,
  type Outside,
  type Query,
  query,
  type Reach,
  type RequestFacts,
  type Scope,
} from './operation.ts'
export { decodeCursor, encodeCursor, PageInput, pageOf, toPage } from './page.ts'
export {
  type Candidates,
  type Catalogue,
  candidates,
  catalogueOf,
  type ModelTerms,
  usableModels,
} from './providers/candidates.ts'
export {
  loadPlatformCatalogue,
  loadTenantCatalogue,
  type PricedModel,
  type ServedModel,
  type ServedProvider,
} from './providers/catalogue.ts'
export { type MasterKeys, openCredential, sealCredential } from './providers/credential.ts'
export { type HealthReport, reportHealth } from './providers/health.ts'
export * as providers from './providers/index.ts'
export {
  DIALECTS,
  type Dialect,
  endpointOf,
  headersFor,
  kindOf,
  type ListedModel,
  PLATFORM_OWNER,
  PROVIDER_KINDS,
  type ProviderKind,
  type ProviderKindName,
  readModelList,
} from './providers/kinds.ts'
export { openPlatformCredentials, resealCredentials } from './providers/reseal.ts'
export { countRules, type HeldRule, loadRules, type RuleCount } from './rules/gateway.ts'
export type { Judgement } from './rules/judge.ts'
export { judge } from './rules/judge.ts'
export * as rules from './rules/operations.ts'
export * as search from './search/operations.ts'
export * as serviceTokens from './service-tokens/operations.ts'
export * as tenants from './tenants/operations.ts'
export * as usage from './usage/operations.ts'
