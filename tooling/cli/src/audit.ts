import { auditLedger } from '@stipend/core/spend'
import { dataDir } from './data-dir.ts'
import { withAppDatabase } from './database.ts'
import type { Env } from './env.ts'

/** Proves the ledger's invariants on a live database. 1 when any is broken. */
export async function audit(env: Env): Promise<number> {
  const report = await withAppDatabase(env, dataDir(env.data_dir), auditLedger)
  const { tenants, accounts, usage_events, leases, checks, violations } = report
  console.log(`Looked at ${tenants} tenants, ${accounts} accounts, ${usage_events} usage events, ${leases} leases.\n`)
  for (const check of checks) {
    const broken = violations.filter((violation) => violation.check === check)
    console.log(`  ${broken.length === 0 ? 'holds ' : 'BROKEN'}  ${check}`)
    for (const { tenant_id, subject, detail } of broken) console.log(`          ${tenant_id} ${subject}: ${detail}`)
  }
  console.log(violations.length === 0 ? '\nThe ledger is sound.' : `\n${violations.length} violations.`)
  return violations.length === 0 ? 0 : 1
}
