import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import * as core from '@stipend/core'
import { createScene } from '@stipend/core/testing'
import { close, connect, ensureUsagePartitions } from '@stipend/db'
import { prepareDatabase } from '@stipend/db/admin'
import { removeEmbedded, startEmbedded } from '@stipend/db/embedded'
import postgres from 'postgres'

const ROUNDS = 15
const GROUP_SIZE = 50
const LOCATIONS = 10

/**
 * Times what the console's pages ask for, as the owner of an organisation of that many people, each with a key that was used: the
 * median and the 95th percentile of 15 rounds, each operation with its permission, its transaction and its output checked. Prints a table.
 */
export async function runPages(options: { people: number; only?: string | undefined }): Promise<number> {
  const { people } = options
  const dir = mkdtempSync(path.join(os.tmpdir(), 'stipend-pages-'))
  const dataDir = path.join(dir, 'postgres')
  const store = await startEmbedded({ dataDir, port: 0 })
  try {
    const { appUrl } = await prepareDatabase(store.url, { appPassword: 'only-for-the-benchmark' })
    const database = connect(appUrl)
    const admin = postgres(store.url, { onnotice: () => undefined })
    try {
      const scene = await createScene(database)
      const owner = await scene.owner()
      await ensureUsagePartitions(database)
      const places = await seed(admin, scene.tenant_id, people)
      const lines = [
        ['page', 'asked for', 'rows', 'median ms', 'p95 ms'],
        ['---', '---', '--:', '--:', '--:'],
      ]
      for (const { page, what, ask } of asked(places)) {
        if (options.only !== undefined && !`${page} ${what}`.includes(options.only)) continue
        const [operation, input] = ask
        const times: number[] = []
        let rows = 0
        for (let round = -1; round < ROUNDS; round++) {
          const began = performance.now()
          const output = await scene.run(operation, input, owner)
          // The first one warms the connection and the cache.
          if (round >= 0) times.push(performance.now() - began)
          rows = Array.isArray((output as { data?: unknown[] }).data) ? (output as { data: unknown[] }).data.length : 1
        }
        times.sort((a, b) => a - b)
        const at = (share: number) =>
          (times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0).toFixed(0)
        lines.push([page, what, String(rows), at(0.5), at(0.95)])
      }
      console.log(`${people.toLocaleString('en-US')} people, as many keys and requests:\n`)
      console.log(lines.map((line) => `| ${line.join(' | ')} |`).join('\n'))
      return 0
    } finally {
      await close(database)
      await admin.end()
    }
  } finally {
    await removeEmbedded({ dataDir })
    rmSync(dir, { recursive: true, force: true })
  }
}

type Places = { location_id: string; group_id: string; word: string }
// biome-ignore lint/suspicious/noExplicitAny: each operation with an input of its own, side by side in one list
type Asked = { page: string; what: string; ask: [any, unknown] }

function asked({ location_id, group_id, word }: Places): Asked[] {
  const { coding, keys, members, usage, search } = core
  const of = (page: string, what: string, ...ask: Asked['ask']): Asked => ({ page, what, ask })
  return [
    of('Overview', '30 days', usage.summary, { days: 30 }),
    of('Overview', '30 days, one location', usage.summary, { days: 30, location_id }),
    of('Overview', 'newest 200 keys', keys.list, { limit: 200 }),
    of('Coding', 'classes', coding.listGroups, { kind: 'student' }),
    of('Coding', 'one class', coding.listPeople, { kind: 'student', group_id }),
    of('Coding', 'by name', coding.listPeople, { kind: 'student' }),
    of('Coding', 'by spent', coding.listPeople, { kind: 'student', sort: '-spent' }),
    of('Coding', 'by last used', coding.listPeople, { kind: 'student', sort: '-last_used_at' }),
    of('Coding', 'nearly all used', coding.listPeople, { kind: 'student', used_min: 85 }),
    of('Coding', 'how many nearly all used', coding.countPeople, { kind: 'student', used_min: 85 }),
    of('Coding', 'by part of a name', coding.listPeople, { kind: 'student', search: word }),
    of('Keys', 'newest', keys.list, {}),
    of('Keys', 'by owner', keys.list, { sort: 'member_name' }),
    of('Keys', 'by spent', keys.list, { sort: '-spent' }),
    of('Keys', 'by last used', keys.list, { sort: '-last_used_at' }),
    of('Keys', 'by expiry', keys.list, { sort: 'valid_until' }),
    of('Keys', 'nearly all used', keys.list, { used_min: 85 }),
    of('Keys', 'all that match: nearly all used', keys.previewMany, { act: 'disable', filter: { used_min: 85 } }),
    of('Keys', 'disabled', keys.list, { status: 'disabled' }),
    of('Keys', 'limited to a model', keys.list, { model: 'gpt-6-mini' }),
    of('Keys', 'by part of a name', keys.list, { search: word }),
    of('People', 'by name', members.list, {}),
    of('People', 'by part of a name', members.list, { search: word }),
    of('Usage', 'newest', usage.list, {}),
    of('Usage', 'newest, one location', usage.list, { location_id }),
    of('Usage', '90 days', usage.summary, { days: 90 }),
    of('Report', 'people', coding.report, { by: 'member' }),
    of('Report', 'classes', coding.report, { by: 'group' }),
    of('Report', 'locations', coding.report, { by: 'location' }),
    of('Search', 'everything', search.all, { text: word }),
  ]
}

/** People with a key each, in classes and locations; most keys were used, in three hours of the last 28 days. */
async function seed(admin: postgres.Sql, tenant_id: string, people: number): Promise<Places> {
  await admin`insert into locations (tenant_id, id, name) select ${tenant_id}, 'loc_' || n, 'Location ' || n from generate_series(1, ${LOCATIONS}) n`
  await admin`insert into groups (tenant_id, id, name, location_id)
    select ${tenant_id}, 'grp_' || n, 'Class ' || n, 'loc_' || 1 + n % ${LOCATIONS} from generate_series(1, ${people / GROUP_SIZE}) n`
  await admin`insert into members (tenant_id, id, kind, role, name, email, location_id, created_at)
    select ${tenant_id}, 'mem_' || n, case when n % 20 = 0 then 'staff' else 'student' end, 'member', md5(n::text), n || '@bench.example',
           'loc_' || 1 + (1 + n / ${GROUP_SIZE}) % ${LOCATIONS}, now() - n * interval '1 minute' from generate_series(1, ${people}) n`
  await admin`insert into group_members (tenant_id, group_id, member_id)
    select ${tenant_id}, 'grp_' || 1 + (n - 1) / ${GROUP_SIZE}, 'mem_' || n from generate_series(1, ${people}) n`
  await admin`insert into accounts (tenant_id, id, kind, limit_nanos, renewal)
    select ${tenant_id}, 'key_' || n, 'key', case when n % 17 = 0 then null else 5000000000 end,
           case when n % 17 = 0 then 'never' when n % 5 = 0 then 'weekly' when n % 3 = 0 then 'monthly' else 'never' end
      from generate_series(1, ${people}) n`
  await admin`insert into keys (tenant_id, id, secret_hash, last_four, name, member_id, created_by, allowed_models, valid_until,
                                disabled_at, revoked_at, last_used_at, created_at)
    select ${tenant_id}, 'key_' || n, sha256(n::text::bytea), right('000' || n, 4), 'Coding', 'mem_' || n, 'operator:bench',
           case when n % 10 = 0 then array['gpt-6-mini'] end, case when n % 4 = 0 then now() + n * interval '1 minute' end,
           case when n % 40 = 0 then now() end, case when n % 50 = 0 then now() end,
           case when n % 9 > 0 then now() - n * interval '20 seconds' end, now() - n * interval '30 seconds'
      from generate_series(1, ${people}) n`
  await admin`insert into account_periods (tenant_id, account_id, starts_at, limit_nanos, spent_nanos)
    select a.tenant_id, a.id, app.period_start(a.renewal, t.time_zone, now()), a.limit_nanos,
           (hashtext(a.id) & 1048575)::bigint * 4700 from accounts a join tenants t on t.id = a.tenant_id
     where a.tenant_id = ${tenant_id} and a.kind = 'key' and hashtext(a.id) % 9 <> 0`
  await admin`insert into usage_hours (tenant_id, hour, key_id, member_id, model, requests, failed_requests, input_tokens, output_tokens, cost_nanos)
    select ${tenant_id}, date_trunc('hour', now()) - (n * 7 + day * 211) % 672 * interval '1 hour', 'key_' || n, 'mem_' || n,
           case when n % 3 = 0 then 'gpt-6' else 'gpt-6-mini' end, 3 + n % 20, 0, 4000, 900, 20000000 + n % 1000 * 1000
      from generate_series(1, ${people}) n, generate_series(1, 3) day`
  await admin`insert into usage_events (tenant_id, id, started_at, gateway_id, lease_id, key_id, member_id, draws_on_balance, model, provider_id,
                                        provider_name, price_id, status, http_status, is_streamed, is_estimated, input_tokens,
                                        cached_input_tokens, cache_write_tokens, cache_write_1h_tokens, output_tokens, hold_nanos,
                                        cost_nanos, latency_ms, thread)
    select ${tenant_id}, 'req_' || n, now() - n * interval '20 seconds', 'gtw_bench', 'lea_' || n, 'key_' || n, 'mem_' || n, true, 'gpt-6-mini',
           'prv_bench', 'bench', 'prc_bench', 'succeeded', 200, true, false, 4000, 0, 0, 0, 900, 20000000, 20000000, 900,
           case when n % 2 = 0 then md5(n::text) end
      from generate_series(1, ${people}) n`
  await admin`vacuum analyze`
  const [row] = await admin<{ word: string }[]>`select left(md5('777'), 6) as word`
  return { location_id: 'loc_3', group_id: 'grp_7', word: row?.word ?? '' }
}
