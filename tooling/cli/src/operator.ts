import { type Actor, type AnyOperation, type Dependencies, DomainError, execute, newId } from '@stipend/core'
import type { z } from 'zod'
import { Failure } from './failure.ts'

/**
 * Runs operations as the operator at the command line: for a tenant or, with null, for the platform itself. What is refused is thrown
 * as a Failure that names the fields.
 */
export function asOperator(dependencies: Dependencies, tenant_id: string | null) {
  const actor: Actor = { kind: 'operator', tenant_id, name: 'cli' }
  return async <O extends AnyOperation>(
    operation: O,
    input: z.input<O['input']>,
    idempotency_key?: string,
  ): Promise<z.output<O['output']>> => {
    const request = { request_id: newId('request'), ip: null }
    try {
      return (await execute(operation, dependencies, actor, input, { request, idempotency_key })).output
    } catch (error) {
      if (!(error instanceof DomainError) || error.code === 'internal') throw error
      const fields = (error.details.fields ?? []).filter(({ path }) => path !== '')
      throw new Failure(fields.map(({ path, message }) => `${path}: ${message}`).join('\n') || error.message)
    }
  }
}

export type Operate = ReturnType<typeof asOperator>
