import { readFileSync } from 'node:fs'
import { type MasterKeys, openPlatformCredentials } from '@stipend/core'
import type { Database } from '@stipend/db'
import { type DataDir, loadSecrets } from '../data-dir.ts'
import { type Env, readVariable } from '../env.ts'
import { Failure } from '../failure.ts'
import type { Values } from './command.ts'

/** Those the gateways have. None is made up: what it sealed, nobody could open. */
export function readMasterKeys(env: Env, dir: DataDir): MasterKeys {
  const isDemo = env.database_url === null
  if (env.master_key === null && !isDemo) {
    throw new Failure('STIPEND_MASTER_KEY is missing: give the one that the gateways have.')
  }
  const newest = env.master_key ?? Buffer.from(loadSecrets(dir, null).master_key, 'base64')
  const older = env.old_master_keys.split(',').filter((key) => key !== '')
  return [newest, ...older.map((key) => Buffer.from(key, 'base64'))]
}

/** A credential sealed with another key than the gateways' would be of no use to them. */
export async function requireRightKey(database: Database, keys: MasterKeys): Promise<void> {
  if (await openPlatformCredentials(database, keys)) return
  throw new Failure(
    'STIPEND_MASTER_KEY is not the one that the credentials here are sealed with. Give the one that the gateways have.',
  )
}

export function readCredential(values: Values): string | undefined {
  const variable = values['credential-env']
  if (variable !== undefined) {
    const credential = readVariable(variable)
    if (credential === undefined || credential.trim() === '') {
      throw new Failure(`There is no variable ${variable} in the environment, or it is empty.`)
    }
    return credential
  }
  if (!values['credential-stdin']) return undefined
  if (process.stdin.isTTY) {
    throw new Failure(
      'Pipe the credential in, so that it isn’t shown: npm run providers -- … --credential-stdin < file',
    )
  }
  const credential = readFileSync(0, 'utf8')
  if (credential.trim() === '') throw new Failure('Nothing came on standard input.')
  return credential
}
