import { readdirSync } from 'node:fs'
import { matchRoutes } from '@remix-run/react'
import { describe, expect, test } from 'vitest'
import { paths, safeNext } from './paths.ts'

/** The routes by the files that make them, as Remix's flat routes read their names. */
const routes = readdirSync(new URL('./routes', import.meta.url))
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => file.replace(/\.tsx?$/, ''))
  .map((id) => ({
    id,
    path: `/${id
      .split('.')
      .filter((part) => !part.startsWith('_'))
      .map((part) =>
        part
          .replace(/^\$(.+)/, ':$1')
          .replace(/^\$$/, '*')
          .replace(/_$/, ''),
      )
      .join('/')}`,
  }))

describe('paths', () => {
  test.each([
    [paths.home(), '_index'],
    [paths.login('/t/lindenhof'), 'login'],
    [paths.logout(), 'logout'],
    [paths.signUp(), 'sign-up'],
    [paths.passwordReset(), 'password-reset'],
    [paths.invitation('x'), 'invitation'],
    [paths.mails(), 'mails'],
    [paths.members('lindenhof', '?kind=staff'), 't.$slug.members'],
    [paths.member('lindenhof', 'mem_1'), 't.$slug.members.$memberId'],
    [paths.newMember('lindenhof'), 't.$slug.members.new'],
    [paths.exportMembers('lindenhof'), 't.$slug.export.members'],
    [paths.newImport('lindenhof'), 't.$slug.import._index'],
    [paths.importOf('lindenhof', 'imp_1'), 't.$slug.import.$importId'],
    [paths.importErrors('lindenhof', 'imp_1'), 't.$slug.export.import.$importId'],
    [paths.locations('lindenhof'), 't.$slug.locations'],
    [paths.groups('lindenhof'), 't.$slug.groups'],
    [paths.group('lindenhof', 'grp_1'), 't.$slug.groups.$groupId'],
    [paths.newGroup('lindenhof'), 't.$slug.groups.new'],
    [paths.settings('lindenhof'), 't.$slug.settings'],
    [paths.overview('lindenhof'), 't.$slug._index'],
    [paths.coding('lindenhof', '?tab=staff'), 't.$slug.coding'],
    [paths.person('lindenhof', 'mem_1'), 't.$slug.coding.$memberId._index'],
    [paths.newKey('lindenhof', 'mem_1'), 't.$slug.coding.$memberId.new'],
    [paths.key('lindenhof', 'mem_1', 'key_1'), 't.$slug.coding.$memberId.keys.$keyId'],
    [paths.newGroupKeys('lindenhof', 'grp_1'), 't.$slug.coding_.groups.$groupId.keys.new'],
    [paths.newLocationKeys('lindenhof', 'loc_1'), 't.$slug.coding_.locations.$locationId.keys.new'],
    [paths.lesson('lindenhof', 'grp_1'), 't.$slug.coding_.groups.$groupId.lesson'],
    [paths.editKey('lindenhof', 'mem_1', 'key_1'), 't.$slug.coding.$memberId.keys.$keyId_.edit'],
    [paths.replaceKey('lindenhof', 'mem_1', 'key_1'), 't.$slug.coding.$memberId.keys.$keyId_.replace'],
    [paths.report('lindenhof'), 't.$slug.coding_.report'],
    [paths.exportReport('lindenhof'), 't.$slug.export.report'],
    [paths.newOwnKey('lindenhof'), 't.$slug.my-keys.new'],
    [paths.keys('lindenhof', '?q=a'), 't.$slug.keys'],
    [paths.listedKey('lindenhof', 'key_1'), 't.$slug.keys.$keyId'],
    [paths.exportKeys('lindenhof'), 't.$slug.export.keys'],
    [paths.exportPeople('lindenhof'), 't.$slug.export.people'],
    [paths.usage('lindenhof'), 't.$slug.usage'],
    [paths.request('lindenhof', 'req_1'), 't.$slug.usage.$requestId'],
    [paths.billing('lindenhof'), 't.$slug.billing'],
    [paths.topUp('lindenhof', 'pay_1'), 't.$slug.billing.top-ups.$topUpId'],
    [paths.automatic('lindenhof'), 't.$slug.billing.automatic'],
    [paths.reconciliation('lindenhof'), 't.$slug.billing.reconciliation'],
    [paths.statement('lindenhof', '2026-11', 'pdf'), 't.$slug.export.statement.$month'],
    [paths.rules('lindenhof'), 't.$slug.rules'],
    [paths.newRule('lindenhof'), 't.$slug.rules.new'],
    [paths.newRule('lindenhof', 'evenings'), 't.$slug.rules.new'],
    [paths.rule('lindenhof', 'rul_1'), 't.$slug.rules.$ruleId'],
    [paths.providers('lindenhof'), 't.$slug.providers._index'],
    [paths.newProvider('lindenhof'), 't.$slug.providers.new'],
    [paths.newProvider('lindenhof', 'openai'), 't.$slug.providers.new'],
    [paths.provider('lindenhof', 'prv_1'), 't.$slug.providers.$providerId'],
    [paths.addModels('lindenhof', 'prv_1'), 't.$slug.providers.$providerId.add'],
    [paths.shareProvider('lindenhof', 'prv_1'), 't.$slug.providers.$providerId.share'],
    [paths.editProvider('lindenhof', 'prv_1'), 't.$slug.providers.$providerId.edit'],
    [paths.rotateCredential('lindenhof', 'prv_1'), 't.$slug.providers.$providerId.credential'],
    [paths.importPrices('lindenhof', 'prv_1'), 't.$slug.providers.$providerId.prices'],
    [paths.model('lindenhof', 'prv_1', 'mod_1'), 't.$slug.providers.$providerId.models.$modelId'],
    [paths.tokens('lindenhof'), 't.$slug.api'],
    [paths.newToken('lindenhof'), 't.$slug.api.new'],
    [paths.myKeys('lindenhof'), 't.$slug.my-keys'],
    [paths.connect('lindenhof'), 't.$slug.connect'],
    [`${paths.trpc('lindenhof')}/usage.list`, 'trpc.$slug.$'],
  ])('%s is the route %s', (path, id) => {
    const matched = matchRoutes(routes, new URL(path, 'http://console.invalid').pathname)?.at(-1)?.route.id
    // A layout and its index share one address.
    const same = (one: string | undefined) => one?.replace(/\._index$/, '')
    expect(same(matched)).toBe(same(id))
    expect(routes.map((route) => route.id)).toContain(id)
  })

  test('every path function is tried above', () => {
    // But for the slip, which isn't a page of Remix.
    expect(Object.keys(paths)).toHaveLength(61)
  })
})

describe('where to go after signing in', () => {
  test.each([
    ['/t/lindenhof/coding?tab=staff', '/t/lindenhof/coding?tab=staff'],
    [null, '/'],
    ['', '/'],
    ['https://elsewhere.example/', '/'],
    ['//elsewhere.example/', '/'],
    ['/\\elsewhere.example/', '/'],
    ['/\t/elsewhere.example/', '/'],
    ['javascript:alert(1)', '/'],
  ])('%s leads to %s', (next, to) => {
    expect(safeNext(next)).toBe(to)
  })
})
