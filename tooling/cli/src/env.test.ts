import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT, readEnv, surroundings } from './env.ts'

describe('settings', () => {
  test('have the defaults that .env.example names', () => {
    const env = readEnv({})
    expect(env.ports).toEqual({
      console: 3000,
      gateway: 3001,
      api: 3002,
      sandbox_provider: 3003,
      database: 3004,
      worker: 3005,
      sandbox_stripe: 3006,
    })
    expect(env.data_dir).toBe(path.join(ROOT, '.stipend'))
    expect(env).toMatchObject({ database_url: null, master_key: null, log_level: 'info' })
  })

  test('take a data folder relative to the project', () => {
    expect(readEnv({ STIPEND_DATA_DIR: 'other' }).data_dir).toBe(path.join(ROOT, 'other'))
    expect(readEnv({ STIPEND_DATA_DIR: '/srv/stipend' }).data_dir).toBe('/srv/stipend')
  })

  test('name every bad one and never repeat a secret', () => {
    const secret = 'c2VjcmV0LXZhbHVlLW9mLXNvbWVib2R5'
    const read = () => readEnv({ GATEWAY_PORT: '70000', STIPEND_MASTER_KEY: secret, DATABASE_URL: 'mysql://x' })
    expect(read).toThrow(/GATEWAY_PORT[\s\S]*STIPEND_MASTER_KEY|STIPEND_MASTER_KEY[\s\S]*GATEWAY_PORT/)
    expect(read).toThrow('DATABASE_URL')
    expect(read).not.toThrow(secret)
  })
})

test('a program inherits where to find things and nothing else', () => {
  const given = { PATH: '/bin', HOME: '/home/ada', DATABASE_URL: 'postgres://x', AWS_SECRET_ACCESS_KEY: 'x' }
  expect(surroundings(given)).toEqual({ PATH: '/bin', HOME: '/home/ada' })
})
