import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestDatabase } from '@stipend/db/testing'
import { surroundings } from './env.ts'

export type Ran = { code: number | null; out: string; err: string }

const MAIN = path.join(import.meta.dirname, 'main.ts')

/** The command as an operator has it: `npm run …` in a process of its own, with what programs get from the environment. */
export function commandOn(database: TestDatabase, masterKey = randomBytes(32)) {
  const settings = {
    DATABASE_URL: database.adminUrl,
    STIPEND_MASTER_KEY: masterKey.toString('base64'),
    STIPEND_DATA_DIR: mkdtempSync(path.join(os.tmpdir(), 'stipend-command-')),
  }
  return async (
    args: readonly string[],
    { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
  ): Promise<Ran> => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...surroundings(), ...settings, ...env } })
    child.stdin.end(input)
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    return { code, out, err }
  }
}
