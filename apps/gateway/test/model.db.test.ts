import { expect, inject, it } from 'vitest'
import { proveLeases } from './lease-model.ts'

// More of them, or other ones: `node apps/gateway/test/prove-leases.ts --runs 500 --seed 7`.
it('keeps every budget through any history of draws, crashes, outages and changes', { timeout: 300_000 }, async () => {
  const histories = proveLeases(inject('testCluster'), { seed: 20_261_121, runs: 9, stepsMax: 60 })
  await expect(histories).resolves.toBeUndefined()
})
