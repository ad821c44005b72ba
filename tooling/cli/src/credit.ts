import { balance } from '@stipend/core'
import { allTenants } from '@stipend/db'
import { dataDir } from './data-dir.ts'
import { withAppDatabase } from './database.ts'
import type { Env } from './env.ts'
import { Failure } from './failure.ts'
import { asOperator } from './operator.ts'

type Credit = {
  /** The organisation's short name, as in the console's addresses. */
  tenant: string | undefined
  usd: string | undefined
  cause: string | undefined
  /** Money that is a gift: what isn't used by this time leaves the balance. RFC 3339. */
  expires: string | undefined
}

/** Credits an organisation that pays by transfer, or gives it money that expires. Audited as the operator's act. */
export async function credit(env: Env, { tenant, usd, cause, expires }: Credit): Promise<number> {
  if (tenant === undefined || usd === undefined || cause === undefined) {
    throw new Failure(
      'Say whom, how much and why: npm run credit -- --tenant lindenhof --usd 250.00 --cause "Invoice 2026-14"',
    )
  }
  return withAppDatabase(env, dataDir(env.data_dir), async (database) => {
    const tenants = await allTenants(database)
    const found = tenants.find(({ slug }) => slug === tenant)
    if (found === undefined) {
      throw new Failure(
        `There is no organisation "${tenant}". There are: ${tenants.map(({ slug }) => slug).join(', ')}.`,
      )
    }
    const operate = asOperator({ database }, found.id)
    // An invoice is credited once, however often the command is given.
    const output =
      expires === undefined
        ? await operate(balance.credit, { amount_usd: usd, cause }, cause)
        : await operate(balance.promote, { amount_usd: usd, cause, expires_at: expires }, cause)
    console.log(`${tenant}: $${output.amount_usd} credited for "${cause}", as ${output.id}.`)
    return 0
  })
}
