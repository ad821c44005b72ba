import { parseArgs } from 'node:util'
import { isPlain } from './failure.ts'

const USAGE = `Usage:
  npm start                       start everything, with a demo in it; --fresh deletes the data first
  npm test                        check and test everything; --only <step> runs one step
  npm run test:tools              coding tools against the gateway, installed outside of the project; --only opencode, --direct without a gateway
  npm run audit                   prove the ledger's invariants on the running or stopped demo, or DATABASE_URL
  npm run credit                  credit an organisation; --tenant lindenhof --usd 250.00 --cause "Invoice 14", --expires for a gift
  npm run providers -- --help     the platform's own providers: connect, test, models, prices, markup, credentials
  npm run reconcile               compare usage, ledger, payments and Stripe; --days 35
  npm run migrate                 bring the database to the current state
  npm run chaos                   budgets under kill -9, hang-ups and a lying provider; --minutes 3, --seed 1
  npm run bench -- OPTIONS        the gateway beside a bare proxy, as ratios; such as --scenarios i,iii --rounds 3; or: soak 10; or: pages 100000
  npm run format                  format the code`

async function main(args: string[]): Promise<number> {
  // What follows is for the programs that measure.
  if (args[0] === 'bench') return (await import('./bench.ts')).bench(args.slice(1))
  if (args[0] === 'providers') {
    const { readEnv } = await import('./env.ts')
    return (await import('./providers/command.ts')).providers(readEnv(), args.slice(1))
  }
  const { positionals, values } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      fresh: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      tenant: { type: 'string' },
      usd: { type: 'string' },
      cause: { type: 'string' },
      expires: { type: 'string' },
      days: { type: 'string', default: '35' },
      direct: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  })
  const [command, ...rest] = positionals
  if (values.help || command === undefined || rest.length > 0) {
    console.log(USAGE)
    return values.help ? 0 : 1
  }
  // Each command loads what it needs only: formatting works while the rest of the code doesn't.
  const { readEnv } = await import('./env.ts')
  const env = readEnv()
  switch (command) {
    case 'start':
      return (await import('./start.ts')).start(env, { fresh: values.fresh })
    case 'test':
      return (await import('./test.ts')).test(env, { only: values.only ?? [] })
    case 'test:tools':
      return (await import('./tools.ts')).tools({ only: values.only ?? [], direct: values.direct })
    case 'credit':
      return (await import('./credit.ts')).credit(env, {
        tenant: values.tenant,
        usd: values.usd,
        cause: values.cause,
        expires: values.expires,
      })
    case 'reconcile':
      return (await import('./reconcile.ts')).reconcile(env, { days: Number(values.days) })
    case 'audit':
      return (await import('./audit.ts')).audit(env)
    case 'chaos':
      return (await import('./chaos.ts')).chaos({ minutes: Number(values.minutes), seed: Number(values.seed) })
    case 'migrate':
      return (await import('./migrate.ts')).migrate(env)
    case 'format':
      return (await import('./format.ts')).format()
    default:
      console.error(`There is no command ${command}.\n\n${USAGE}`)
      return 1
  }
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const isOurs =
    isPlain(error) || (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'))
  console.error(isOurs ? `\n${error.message}` : error)
  process.exitCode = 1
}
// Whatever is still open (a socket, a timer) has no say in when a command ends.
process.exit()
