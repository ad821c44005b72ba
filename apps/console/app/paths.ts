/** Every address of the console. `paths.test.ts` holds them to the routes that exist. */
export const paths = {
  home: () => '/',
  login: (next?: string) => (next === undefined ? '/login' : `/login?${new URLSearchParams({ next })}`),
  logout: () => '/logout',
  signUp: () => '/sign-up',
  passwordReset: () => '/password-reset',
  invitation: (token: string) => `/invitation?${new URLSearchParams({ token })}`,
  mails: () => '/mails',
  overview: (slug: string) => `/t/${slug}`,
  coding: (slug: string, search = '') => `/t/${slug}/coding${search}`,
  person: (slug: string, memberId: string, search = '') => `/t/${slug}/coding/${memberId}${search}`,
  newKey: (slug: string, memberId: string, search = '') => `/t/${slug}/coding/${memberId}/new${search}`,
  key: (slug: string, memberId: string, keyId: string, search = '') =>
    `/t/${slug}/coding/${memberId}/keys/${keyId}${search}`,
  newGroupKeys: (slug: string, groupId: string) => `/t/${slug}/coding/groups/${groupId}/keys/new`,
  newLocationKeys: (slug: string, locationId: string) => `/t/${slug}/coding/locations/${locationId}/keys/new`,
  lesson: (slug: string, groupId: string) => `/t/${slug}/coding/groups/${groupId}/lesson`,
  /** What is left of a key: for the person who has it, signed in or not. */
  slip: () => '/c',
  exportPeople: (slug: string) => `/t/${slug}/export/people`,
  editKey: (slug: string, memberId: string, keyId: string, search = '') =>
    `/t/${slug}/coding/${memberId}/keys/${keyId}/edit${search}`,
  replaceKey: (slug: string, memberId: string, keyId: string, search = '') =>
    `/t/${slug}/coding/${memberId}/keys/${keyId}/replace${search}`,
  report: (slug: string) => `/t/${slug}/coding/report`,
  exportReport: (slug: string) => `/t/${slug}/export/report`,
  ownKey: (slug: string, keyId: string, search = '') => `/t/${slug}/my-keys/${keyId}${search}`,
  newOwnKey: (slug: string) => `/t/${slug}/my-keys/new`,
  keys: (slug: string, search = '') => `/t/${slug}/keys${search}`,
  listedKey: (slug: string, keyId: string, search = '') => `/t/${slug}/keys/${keyId}${search}`,
  exportKeys: (slug: string) => `/t/${slug}/export/keys`,
  members: (slug: string, search = '') => `/t/${slug}/members${search}`,
  member: (slug: string, memberId: string, search = '') => `/t/${slug}/members/${memberId}${search}`,
  newMember: (slug: string, search = '') => `/t/${slug}/members/new${search}`,
  exportMembers: (slug: string) => `/t/${slug}/export/members`,
  newImport: (slug: string) => `/t/${slug}/import`,
  importOf: (slug: string, importId: string) => `/t/${slug}/import/${importId}`,
  importErrors: (slug: string, importId: string) => `/t/${slug}/export/import/${importId}`,
  locations: (slug: string) => `/t/${slug}/locations`,
  groups: (slug: string, search = '') => `/t/${slug}/groups${search}`,
  group: (slug: string, groupId: string, search = '') => `/t/${slug}/groups/${groupId}${search}`,
  newGroup: (slug: string, search = '') => `/t/${slug}/groups/new${search}`,
  settings: (slug: string) => `/t/${slug}/settings`,
  usage: (slug: string, search = '') => `/t/${slug}/usage${search}`,
  request: (slug: string, requestId: string, search = '') => `/t/${slug}/usage/${requestId}${search}`,
  billing: (slug: string) => `/t/${slug}/billing`,
  topUp: (slug: string, id: string) => `/t/${slug}/billing/top-ups/${id}`,
  automatic: (slug: string) => `/t/${slug}/billing/automatic`,
  reconciliation: (slug: string) => `/t/${slug}/billing/reconciliation`,
  statement: (slug: string, month: string, format: 'pdf' | 'csv') =>
    `/t/${slug}/export/statement/${month}?format=${format}`,
  providers: (slug: string) => `/t/${slug}/providers`,
  newProvider: (slug: string, kind?: string) => `/t/${slug}/providers/new${kind === undefined ? '' : `?kind=${kind}`}`,
  provider: (slug: string, id: string) => `/t/${slug}/providers/${id}`,
  addModels: (slug: string, id: string) => `/t/${slug}/providers/${id}/add`,
  shareProvider: (slug: string, id: string) => `/t/${slug}/providers/${id}/share`,
  editProvider: (slug: string, id: string) => `/t/${slug}/providers/${id}/edit`,
  rotateCredential: (slug: string, id: string) => `/t/${slug}/providers/${id}/credential`,
  importPrices: (slug: string, id: string) => `/t/${slug}/providers/${id}/prices`,
  model: (slug: string, id: string, modelId: string) => `/t/${slug}/providers/${id}/models/${modelId}`,
  rules: (slug: string) => `/t/${slug}/rules`,
  newRule: (slug: string, example?: string) =>
    `/t/${slug}/rules/new${example === undefined ? '' : `?example=${example}`}`,
  rule: (slug: string, id: string) => `/t/${slug}/rules/${id}`,
  tokens: (slug: string) => `/t/${slug}/api`,
  newToken: (slug: string) => `/t/${slug}/api/new`,
  myKeys: (slug: string, search = '') => `/t/${slug}/my-keys${search}`,
  connect: (slug: string) => `/t/${slug}/connect`,
  trpc: (slug: string) => `/trpc/${slug}`,
} as const

/** A place inside the console to go back to after signing in; anything else is home. */
export function safeNext(next: string | null): string {
  if (next === null || !next.startsWith('/') || next.startsWith('//') || next.includes('\\')) return paths.home()
  const url = URL.parse(next, 'http://console.invalid')
  return url !== null && url.origin === 'http://console.invalid' ? url.pathname + url.search : paths.home()
}
