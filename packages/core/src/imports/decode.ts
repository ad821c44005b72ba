import { unzipSync } from 'fflate'
import { invalidField } from '../errors.ts'

/** A file as it was uploaded. */
export type Upload = { name: string; bytes: Uint8Array }
export type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'
export type TextFile = { name: string; encoding: Encoding; text: string }

/** All files of an upload together, unpacked. */
export const UPLOAD_BYTES_MAX = 24 * 1024 * 1024

/** The text files of an upload: archives are unpacked, and each text is read in the encoding it is written in. */
export function readUploads(uploads: readonly Upload[]): TextFile[] {
  const files = uploads.flatMap((one) => (isZip(one.bytes) ? unpack(one) : [one]))
  const total = files.reduce((sum, one) => sum + one.bytes.length, 0)
  if (total > UPLOAD_BYTES_MAX)
    throw invalidField('files', 'These files are too large. Import them in parts of at most 24 MB.')
  if (files.length === 0) throw invalidField('files', 'There is no CSV file in this archive.')
  return files.map(({ name, bytes }) => ({ name: baseName(name), ...decode(name, bytes) }))
}

function unpack({ name, bytes }: Upload): Upload[] {
  let size = 0
  let isWorkbook = false
  try {
    const entries = unzipSync(bytes, {
      filter: (entry) => {
        if (entry.name === '[Content_Types].xml') isWorkbook = true
        const base = baseName(entry.name)
        if (!/\.(?:csv|txt|tsv)$/i.test(base) || base.startsWith('.') || entry.name.startsWith('__MACOSX/'))
          return false
        // What an archive says of its entries bounds what unpacking them makes.
        size += entry.originalSize
        return size <= UPLOAD_BYTES_MAX
      },
    })
    if (size > UPLOAD_BYTES_MAX) throw invalidField('files', 'This archive is too large. Import its files in parts.')
    if (isWorkbook)
      throw invalidField('files', `${name} is a workbook. Save the sheet as CSV (UTF-8) and choose that file.`)
    return Object.entries(entries).map(([entry, content]) => ({ name: entry, bytes: content }))
  } catch (error) {
    if (error instanceof Error && error.name === 'DomainError') throw error
    throw invalidField('files', `${name} can’t be unpacked. Choose the CSV files themselves.`)
  }
}

const isZip = (bytes: Uint8Array) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04

/** A byte-order mark decides; without one, zero bytes mean UTF-16, and what isn't valid UTF-8 was written by an old Windows. */
export function decode(name: string, bytes: Uint8Array): { encoding: Encoding; text: string } {
  const encoding = encodingOf(bytes)
  const text = new TextDecoder(encoding).decode(bytes)
  if (text.includes('\0')) throw invalidField('files', `${name} is not a text file. Choose a CSV file.`)
  return { encoding, text }
}

function encodingOf(bytes: Uint8Array): Encoding {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  const start = bytes.subarray(0, 400)
  const zeros = (odd: number) => start.filter((byte, at) => byte === 0 && at % 2 === odd).length
  if (zeros(1) * 4 > start.length) return 'utf-16le'
  if (zeros(0) * 4 > start.length) return 'utf-16be'
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return 'utf-8'
  } catch {
    return 'windows-1252'
  }
}

function baseName(name: string): string {
  return name.split(/[\\/]/).at(-1) ?? name
}
