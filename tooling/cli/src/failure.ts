/** Something the person at the keyboard can act on: shown as it is, without a stack. */
export class Failure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Failure'
  }
}

/** Errors whose message is all there is to say. */
export function isPlain(error: unknown): error is Error {
  return error instanceof Error && ['Failure', 'EnvError', 'EmbeddedPostgresError', 'DomainError'].includes(error.name)
}
