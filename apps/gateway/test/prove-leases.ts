import { parseArgs } from 'node:util'
import { startTestCluster } from '@stipend/db/testing-cluster'
import { proveLeases } from './lease-model.ts'

// As many random histories of the leases as wanted, on a database server of its own. 1 when one breaks something.
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string' },
    steps: { type: 'string', default: '80' },
    path: { type: 'string' },
  },
})
const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
console.log(`seed ${seed}`)
const cluster = await startTestCluster()
try {
  await proveLeases(cluster, {
    seed,
    runs: Number(values.runs),
    stepsMax: Number(values.steps),
    tell: console.log,
    ...(values.path === undefined ? {} : { path: values.path }),
  })
  console.log('All histories hold.')
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await cluster.stop()
}
process.exit()
