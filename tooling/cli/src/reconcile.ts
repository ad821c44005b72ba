import { reconcile as compare, createPayments } from '@stipend/billing'
import { allTenants } from '@stipend/db'
import { dataDir, loadSecrets, sandboxWebhookSecret } from './data-dir.ts'
import { withAppDatabase } from './database.ts'
import type { Env } from './env.ts'

const DAY_MS = 86_400_000

/** Compares usage, ledger, payments and Stripe for every tenant, and prints each difference. 1 where there is any. */
export async function reconcile(env: Env, { days }: { days: number }): Promise<number> {
  const payments = paymentsOf(env)
  const since = new Date(Date.now() - days * DAY_MS)
  return withAppDatabase(env, dataDir(env.data_dir), async (database) => {
    let found = 0
    for (const tenant of await allTenants(database)) {
      const report = await compare(database, payments.stripe, tenant.id, since)
      const asked = report.has_asked_stripe ? 'Stripe asked' : 'nothing at Stripe'
      console.log(`${tenant.slug}: ${report.hours} hours of usage, ${report.payments} payments, ${asked}`)
      for (const { between, subject, detail, ours_usd, theirs_usd } of report.differences) {
        console.log(`  ${between}  ${subject}: ${detail} Ours ${ours_usd ?? '-'}, theirs ${theirs_usd ?? '-'}.`)
      }
      found += report.differences.length
    }
    console.log(found === 0 ? '\nEverything agrees.' : `\n${found} differences.`)
    return found === 0 ? 0 : 1
  })
}

/** The real Stripe where the environment has its key, else the demo's sandbox. */
function paymentsOf(env: Env) {
  const dir = dataDir(env.data_dir)
  const sandbox = {
    secret_key: 'sk_test_sandbox',
    webhook_secret: sandboxWebhookSecret(loadSecrets(dir, env.master_key)),
    api_url: `http://127.0.0.1:${env.ports.sandbox_stripe}`,
  }
  const settings = env.stripe === null ? sandbox : { ...env.stripe, api_url: null }
  const payments = createPayments({ ...settings, console_url: 'http://127.0.0.1' })
  if (payments === undefined) throw new Error('payments without a key')
  return payments
}
