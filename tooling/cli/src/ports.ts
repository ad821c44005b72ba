import net from 'node:net'
import { Failure } from './failure.ts'
import { holderOf } from './processes.ts'

export type WantedPort = { port: number; what: string; variable: string }

/** Throws one message that names every port that is taken, who holds it, and the variable that changes it. */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const twice = wanted.find(({ port }, at) => port !== 0 && wanted.findIndex((other) => other.port === port) !== at)
  if (twice) throw new Failure(`Port ${twice.port} is asked for twice: change ${twice.variable}.`)

  const taken: WantedPort[] = []
  for (const one of wanted) if (!(await isFree(one.port))) taken.push(one)
  if (taken.length === 0) return
  const lines = taken.map(({ port, what, variable }) => {
    const holder = holderOf(port)
    const who = holder === null ? 'another program' : `process ${holder.pid} (${holder.command})`
    return `Port ${port}, for the ${what}, is taken by ${who}.\n  Stop it, or choose another port: ${variable}=${port + 1000} npm start`
  })
  throw new Failure(lines.join('\n'))
}

async function isFree(port: number): Promise<boolean> {
  if (port === 0) return true
  // Where a program listens on all addresses, macOS still lets another one bind 127.0.0.1: so ask both ways.
  return (await canListen(port)) && !(await answers(port, '127.0.0.1'))
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else if (error.code === 'EACCES')
        reject(new Failure(`Port ${port} may not be used by this user: choose one above 1023.`))
      else reject(error)
    })
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function answers(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host, timeout: 500 })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
  })
}

/** The port itself, or a free one for 0. */
export function chosenPort(port: number): Promise<number> {
  if (port !== 0) return Promise.resolve(port)
  return new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address() as net.AddressInfo
      probe.close(() => resolve(free))
    })
  })
}
