import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{apps,packages,tooling}/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/build/**', '**/e2e/**'],
    // One PostgreSQL for the whole run, with a migrated template that each database test clones.
    globalSetup: ['packages/db/src/testing-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
