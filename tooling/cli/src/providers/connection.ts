import { providers as operations } from '@stipend/core'
import { Failure } from '../failure.ts'
import type { Operate } from '../operator.ts'
import type { Values } from './command.ts'
import { readCredential } from './credential.ts'
import { named, type Provider, show } from './shown.ts'
import { ticks, wholeNumber } from './words.ts'

type Verdict = Awaited<ReturnType<typeof tried>>
const tried = (operate: Operate, input: { kind: Provider['kind']; base_url?: string; credential?: string }) =>
  operate(operations.tryNew, input)

export async function test(operate: Operate, { id }: Provider): Promise<number> {
  const verdict = await operate(operations.tryAgain, { id })
  console.log(ticks(verdict))
  return verdict.is_ok ? 0 : 1
}

/** Goes on where the connection works, or where `--untested` says that it needn't. */
function requireTick(verdict: Verdict, isUntested: boolean): void {
  console.log(ticks(verdict))
  if (verdict.is_ok || isUntested) return
  throw new Failure('Nothing was changed. Mend what is wrong, or add --untested to go on all the same.')
}

export async function add(operate: Operate, values: Values): Promise<number> {
  const { data: known } = await operate(operations.listKinds, {})
  const kind = known.find((one) => one.name === values.kind)
  if (kind === undefined) {
    throw new Failure(`Say of which kind it is with --kind: ${known.map((one) => one.name).join(', ')}.`)
  }
  if (values.name === undefined) throw new Failure(`Say what it is to be called: --name ${kind.name.replace('_', '-')}`)
  const credential = readCredential(values)
  if (credential === undefined && kind.needs_credential) {
    throw new Failure(`${kind.title} wants a credential: --credential-env NAME_OF_A_VARIABLE, or --credential-stdin.`)
  }
  const priority = wholeNumber('priority', values.priority)
  const weight = wholeNumber('weight', values.weight)
  const where = {
    kind: kind.name,
    ...(values.url === undefined ? {} : { base_url: values.url }),
    ...(credential === undefined ? {} : { credential }),
  }
  if (values.markup !== undefined) checkMarkup(values.markup)
  const verdict = await tried(operate, where)
  requireTick(verdict, values.untested)
  const made = await operate(operations.create, { name: values.name, ...where, priority, weight })
  if (values.markup !== undefined) {
    await operate(operations.setMarkup, { id: made.id, markup_percent: values.markup })
  }
  console.log(
    `\n${made.name} is connected, as ${made.id}. It serves nothing yet: npm run providers -- models ${made.name}`,
  )
  return 0
}

/** Before anything is written, so that a slip leaves nothing half done. */
function checkMarkup(text: string): void {
  const checked = operations.setMarkup.input.shape.markup_percent.safeParse(text)
  if (!checked.success) throw new Failure(`--markup: ${checked.error.issues[0]?.message}`)
}

export async function rotate(operate: Operate, provider: Provider, values: Values): Promise<number> {
  const credential = readCredential(values)
  if (credential === undefined) {
    throw new Failure('Say where the new credential is: --credential-env NAME_OF_A_VARIABLE, or --credential-stdin.')
  }
  const where = { kind: provider.kind, ...(provider.base_url === null ? {} : { base_url: provider.base_url }) }
  requireTick(await tried(operate, { ...where, credential }), values.untested)
  await operate(operations.rotateCredential, { id: provider.id, credential })
  console.log(`\n${provider.name} has its new credential. The old one is forgotten.`)
  return 0
}

export async function set(operate: Operate, provider: Provider, values: Values): Promise<number> {
  const { markup, rename: name, url: base_url } = values
  const credential = readCredential(values)
  const changes = {
    ...{ name, base_url, credential },
    priority: wholeNumber('priority', values.priority),
    weight: wholeNumber('weight', values.weight),
  }
  const isChanged = Object.values(changes).some((value) => value !== undefined)
  if (!isChanged && markup === undefined) throw new Failure('Say what to set. npm run providers -- --help')
  if (markup !== undefined) checkMarkup(markup)
  if (isChanged) await operate(operations.update, { id: provider.id, ...changes })
  if (markup !== undefined) await operate(operations.setMarkup, { id: provider.id, markup_percent: markup })
  return show(operate, await named(operate, provider.id, 'show'))
}

export async function remove(operate: Operate, provider: Provider, values: Values): Promise<number> {
  if (!values.yes) {
    throw new Failure(
      `This removes ${provider.name} with ${provider.models} models for everybody, for good. If you mean it, add --yes; to pause it: disable ${provider.name}.`,
    )
  }
  await operate(operations.delete, { id: provider.id })
  console.log(`${provider.name} is removed. What was spent with it stays in the history.`)
  return 0
}
