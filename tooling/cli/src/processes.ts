import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

/** What a process was started with; empty when there is none, and for a zombie. */
export function commandLine(pid: number): string {
  if (process.platform === 'linux') return contents(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
  return output('ps', ['-o', 'command=', '-p', String(pid)])
}

/** The process that listens on a TCP port, as far as one may look. */
export function holderOf(port: number): { pid: number; command: string } | null {
  const pid =
    process.platform === 'linux'
      ? listenerOnLinux(port)
      : Number(output('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t']).split('\n')[0])
  return pid ? { pid, command: shortened(commandLine(pid)) } : null
}

const LISTENING = '0A'

function listenerOnLinux(port: number): number | null {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6']
      .flatMap((file) => contents(file).split('\n').slice(1))
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local, , state]) => local?.endsWith(`:${wanted}`) && state === LISTENING)
      .map((fields) => `socket:[${fields[9]}]`),
  )
  if (inodes.size === 0) return null
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const files = fs.readdirSync(`/proc/${pid}/fd`)
      if (files.some((file) => inodes.has(fs.readlinkSync(`/proc/${pid}/fd/${file}`)))) return Number(pid)
    } catch {
      // Another user's process, or one that has ended.
    }
  }
  return null
}

function shortened(command: string): string {
  const text = command.trim()
  return text.length > 100 ? `${text.slice(0, 97)}...` : text
}

function contents(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function output(program: string, args: string[]): string {
  return spawnSync(program, args, { encoding: 'utf8' }).stdout ?? ''
}
