import { parseArgs } from 'node:util'
import { providers as operations, type Reach } from '@stipend/core'
import { Outbound } from '@stipend/runtime'
import { dataDir } from '../data-dir.ts'
import { withAppDatabase } from '../database.ts'
import type { Env } from '../env.ts'
import { Failure } from '../failure.ts'
import { asOperator, type Operate } from '../operator.ts'
import { add, remove, rotate, set, test } from './connection.ts'
import { readMasterKeys, requireRightKey } from './credential.ts'
import { changeModel, models, setPrice } from './models.ts'
import { importPrices } from './prices.ts'
import { list, named, show } from './shown.ts'
import { columns } from './words.ts'

export const PROVIDERS_USAGE = `Usage: npm run providers -- COMMAND, for providers of the platform, which draw on balances

  list                          all of them: health, markup, what was asked of them today (UTC)
  show NAME                     one of them, with its models and what is charged for them
  kinds                         the kinds there are, and what each needs

  add --kind openai --name openai --credential-env OPENAI_API_KEY
                                try the connection, then connect it; also --url, --markup 10, --priority 100, --weight 1,
                                and --untested to connect what doesn't answer yet
  test NAME                     does it answer, does it take the credential, which models, how fast
  rotate NAME --credential-env OPENAI_API_KEY
                                another credential, tried first; --untested to take it all the same
  set NAME                      --markup 12.5, --priority, --weight, --rename, --url (to another host: with its credential)
  enable NAME, disable NAME     serve it, or leave it alone for a while
  delete NAME --yes             remove it for good and forget its credential

  models NAME                   what it offers, and which of that is on
  models NAME --enable gpt-5,gpt-5-mini
                                switch models on, new ones with the limits and the price of the catalogue; --disable gpt-4
  model NAME MODEL              --aliases fast,best ('' for none), --upstream, --formats chat,responses, --context, --output
  price NAME MODEL --input 1.25 --output 10
                                US dollars per million tokens, before the markup; --cached-input, --cache-write,
                                --cache-write-1h; or --free for a model that really costs nothing
  prices import FILE            what a public list of prices (LiteLLM, models.dev) would change; --write takes it.
                                --provider NAME for one of them, --from WORD where the list calls it otherwise, --free a,b

A credential comes from the variable that --credential-env names, or with --credential-stdin from standard input. It is
kept encrypted and never shown. Changes reach running gateways within a second.`

const OPTIONS = {
  kind: { type: 'string' },
  name: { type: 'string' },
  url: { type: 'string' },
  'credential-env': { type: 'string' },
  'credential-stdin': { type: 'boolean', default: false },
  credential: { type: 'string' },
  untested: { type: 'boolean', default: false },
  markup: { type: 'string' },
  priority: { type: 'string' },
  weight: { type: 'string' },
  rename: { type: 'string' },
  yes: { type: 'boolean', default: false },
  enable: { type: 'string' },
  disable: { type: 'string' },
  aliases: { type: 'string' },
  upstream: { type: 'string' },
  formats: { type: 'string' },
  context: { type: 'string' },
  input: { type: 'string' },
  output: { type: 'string' },
  'cached-input': { type: 'string' },
  'cache-write': { type: 'string' },
  'cache-write-1h': { type: 'string' },
  free: { type: 'string' },
  write: { type: 'boolean', default: false },
  provider: { type: 'string' },
  from: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** Which options a command takes, so that none is given in vain. */
const COMMANDS: Record<string, readonly (keyof typeof OPTIONS)[]> = {
  list: [],
  show: [],
  kinds: [],
  add: ['kind', 'name', 'url', 'credential-env', 'credential-stdin', 'untested', 'markup', 'priority', 'weight'],
  test: [],
  rotate: ['credential-env', 'credential-stdin', 'untested'],
  set: ['markup', 'priority', 'weight', 'rename', 'url', 'credential-env', 'credential-stdin'],
  enable: [],
  disable: [],
  delete: ['yes'],
  models: ['enable', 'disable'],
  model: ['aliases', 'upstream', 'formats', 'context', 'output'],
  price: ['input', 'output', 'cached-input', 'cache-write', 'cache-write-1h', 'free'],
  prices: ['write', 'provider', 'from', 'free'],
}

export type Values = ReturnType<typeof parse>['values']

function parse(args: string[]) {
  // `--free` alone says that a model is free; `--free a,b` says which ones of a list are.
  const bare = args.map((arg, at) => (arg === '--free' && (args[at + 1] ?? '--').startsWith('--') ? '--free=' : arg))
  return parseArgs({ args: bare, allowPositionals: true, options: OPTIONS })
}

/** `npm run providers -- …`: the platform's own providers, through the operations that tenants have for theirs. */
export async function providers(env: Env, args: string[]): Promise<number> {
  const { positionals, values } = parse(args)
  const [command, name, what, ...rest] = positionals
  if (values.help || command === undefined || rest.length > 0) {
    console.log(PROVIDERS_USAGE)
    return values.help ? 0 : 1
  }
  checkUse(command, values)
  const dir = dataDir(env.data_dir)
  return withAppDatabase(env, dir, async (database) => {
    const masterKeys = readMasterKeys(env, dir)
    const outbound = new Outbound({ allow: env.allowed_hosts, connectMs: 5_000 })
    const reach: Reach = (url, how) => outbound.request(url, how)
    const operate = asOperator({ database, masterKeys, reach }, null)
    if (command === 'list') return list(operate)
    if (command === 'kinds') return kinds(operate)
    if (command === 'add') {
      await requireRightKey(database, masterKeys)
      return add(operate, values)
    }
    if (command === 'prices') return importPrices(operate, name, what, values)
    const provider = await named(operate, name, command)
    switch (command) {
      case 'show':
        return show(operate, provider)
      case 'test':
        return test(operate, provider)
      case 'rotate':
        await requireRightKey(database, masterKeys)
        return rotate(operate, provider, values)
      case 'set':
        await requireRightKey(database, masterKeys)
        return set(operate, provider, values)
      case 'enable':
      case 'disable':
        await operate(operations.update, { id: provider.id, is_enabled: command === 'enable' })
        console.log(`${provider.name} is ${command === 'enable' ? 'served again' : 'not served any more'}.`)
        return 0
      case 'delete':
        return remove(operate, provider, values)
      case 'models':
        return models(operate, provider, values)
      case 'model':
        return changeModel(operate, provider, what, values)
      default:
        return setPrice(operate, provider, what, values)
    }
  })
}

function checkUse(command: string, values: Values): void {
  const takes = COMMANDS[command]
  if (takes === undefined) throw new Failure(`There is no command ${command}.\n\n${PROVIDERS_USAGE}`)
  if (values.credential !== undefined) {
    throw new Failure(
      'A credential is not given as an argument: other users of this machine see arguments, and shells keep them.\nPut it into a variable and name that with --credential-env, or pipe it in with --credential-stdin. Consider this one known.',
    )
  }
  const stray = Object.entries(values).find(
    ([option, value]) => value !== undefined && value !== false && !(takes as readonly string[]).includes(option),
  )
  if (stray !== undefined) throw new Failure(`${command} takes no --${stray[0]}. npm run providers -- --help`)
}

async function kinds(operate: Operate): Promise<number> {
  const { data } = await operate(operations.listKinds, {})
  const needs = (kind: (typeof data)[number]) =>
    [kind.needs_credential && 'a credential', kind.needs_address && `--url, such as ${kind.example}`]
      .filter((one) => one !== false)
      .join(' and ')
  console.log(columns(data.map((kind) => [kind.name, kind.title, needs(kind) || 'nothing more'])))
  return 0
}
