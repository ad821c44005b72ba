import { defineConfig } from 'drizzle-kit'

// usage-events.ts is left out: a partitioned table is beyond what can be generated, so its migration is written by hand.
export default defineConfig({
  dialect: 'postgresql',
  schema: ['billing', 'catalogue', 'columns', 'identity', 'mail', 'money', 'people', 'records', 'rules'].map(
    (name) => `./src/schema/${name}.ts`,
  ),
  out: './migrations',
  migrations: { prefix: 'index' },
})
