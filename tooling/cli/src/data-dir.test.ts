import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { claim, dataDir, loadSecrets, prepareDataDir } from './data-dir.ts'
import { beginDraft, type DemoFile, findDemo, keepDraft, wasCutOff, writeDemo } from './demo-file.ts'
import { commandLine } from './processes.ts'

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'stipend-cli-'))
let count = 0
let dir = dataDir(folder)
beforeEach(() => {
  dir = dataDir(path.join(folder, String(count++)))
  prepareDataDir(dir)
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const modeOf = (file: string) => fs.statSync(file).mode & 0o777

describe('secrets', () => {
  test('are made once, kept for their owner only', () => {
    const made = loadSecrets(dir, null)
    expect(Buffer.from(made.master_key, 'base64')).toHaveLength(32)
    expect(loadSecrets(dir, null)).toEqual(made)
    expect(modeOf(dir.secrets_file)).toBe(0o600)
  })

  test('a master key from the environment is used and not written down', () => {
    const given = Buffer.alloc(32, 7)
    const { master_key } = loadSecrets(dir, given)
    expect(master_key).toBe(given.toString('base64'))
    expect(fs.readFileSync(dir.secrets_file, 'utf8')).not.toContain(master_key)
  })

  test('a file that was damaged is named', () => {
    fs.writeFileSync(dir.secrets_file, '{"master_key":')
    expect(() => loadSecrets(dir, null)).toThrow(dir.secrets_file)
  })
})

describe('a data folder', () => {
  test('is claimed by one start at a time', async () => {
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '/x/cli/src/main.ts'], {
      stdio: 'ignore',
    })
    await once(other, 'spawn')
    fs.writeFileSync(dir.running_file, JSON.stringify({ pid: other.pid, children: [] }))
    await expect(claim(dir)).rejects.toThrow(`process ${other.pid}`)
    other.kill('SIGKILL')
    await once(other, 'exit')
    const running = await claim(dir)
    running.release()
    expect(fs.existsSync(dir.running_file)).toBe(false)
  })

  test('what a killed start left running is ended, and no other program that has its number', async () => {
    const script = path.join(folder, 'left-over.mjs')
    fs.writeFileSync(script, 'setInterval(() => {}, 1000)')
    const leftOver = spawn(process.execPath, [script], { stdio: 'ignore' })
    const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    await Promise.all([once(leftOver, 'spawn'), once(stranger, 'spawn')])
    const children = [leftOver, stranger].map(({ pid }) => ({ pid, script }))
    fs.writeFileSync(dir.running_file, JSON.stringify({ pid: 999_999_999, children }))
    const ended = once(leftOver, 'exit')
    const running = await claim(dir)
    await ended
    expect(commandLine(stranger.pid ?? 0)).not.toBe('')
    stranger.kill('SIGKILL')
    running.release()
  })
})

describe('the demo file', () => {
  const demo = (id: string): DemoFile => ({
    console_url: 'http://127.0.0.1:3000',
    gateway_url: 'http://127.0.0.1:3001/v1',
    api_url: 'http://127.0.0.1:3002',
    database_url: 'postgres://postgres:x@127.0.0.1:3004/postgres',
    sandbox_provider_url: 'http://127.0.0.1:3003',
    tenants: [
      {
        id,
        slug: 'lindenhof',
        kind: 'school',
        owner: { email: 'owner@lindenhof.example', password: 'long-enough' },
        service_token: 'st-stp-x',
        members: [
          { id: 'mem_1', email: 'owner@lindenhof.example', password: 'long-enough' },
          { id: 'mem_2', email: 'pupil@lindenhof.example' },
        ],
        keys: [{ id: 'key_1', secret: 'sk-stp-x', budget_usd: '5.00' }],
      },
    ],
  })

  test('is for its owner only and read back as written', () => {
    writeDemo(dir, demo('ten_1'))
    expect(modeOf(dir.demo_file)).toBe(0o600)
    expect(JSON.parse(fs.readFileSync(dir.demo_file, 'utf8'))).toEqual(demo('ten_1'))
    expect(findDemo(dir, ['ten_1', 'ten_other'])).toEqual(demo('ten_1'))
  })

  test('that was begun and not finished is known as such; one that was made is not lost', () => {
    expect(wasCutOff(dir)).toBe(false)
    beginDraft(dir)
    expect(wasCutOff(dir)).toBe(true)
    keepDraft(dir, demo('ten_1'))
    expect(wasCutOff(dir)).toBe(false)
    expect(findDemo(dir, ['ten_1'])).toEqual(demo('ten_1'))
    expect(fs.existsSync(dir.demo_file)).toBe(false)
    writeDemo(dir, demo('ten_1'))
    expect(fs.readdirSync(dir.root).filter((name) => name.startsWith('demo'))).toEqual(['demo.json'])
  })

  test('of another database is not taken for this one, and comes back with it', () => {
    writeDemo(dir, demo('ten_1'))
    expect(findDemo(dir, ['ten_2'])).toBeNull()
    writeDemo(dir, demo('ten_2'))
    expect(findDemo(dir, ['ten_2'])?.tenants[0]?.id).toBe('ten_2')
    expect(findDemo(dir, ['ten_1'])?.tenants[0]?.id).toBe('ten_1')
  })

  test('with anything more or less than its fields is not written', () => {
    const { tenants: _, ...less } = demo('ten_1')
    expect(() => writeDemo(dir, less as DemoFile)).toThrow()
    expect(() => writeDemo(dir, { ...demo('ten_1'), more: true } as DemoFile)).toThrow()
    expect(fs.existsSync(dir.demo_file)).toBe(false)
  })
})
