import { strToU8, zipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { decode, readUploads } from './decode.ts'
import { guessMapping, kindOf, looksLikeHeader, type Mapping } from './mapping.ts'
import { readTable } from './table.ts'

const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    return (error as Error).message
  }
  return 'nothing'
}

const utf16 = (text: string, order: 'le' | 'be', mark = true) => {
  const bytes = Buffer.from((mark ? '\uFEFF' : '') + text, 'utf16le')
  return order === 'le' ? bytes : bytes.swap16()
}

describe('a text', () => {
  const words = 'naam;klas\r\nZoë Müller-Łukasz;3ä\r\n'
  it.each([
    ['utf-8', Buffer.from(words)],
    ['utf-8', Buffer.from(`\uFEFF${words}`)],
    ['utf-16le', utf16(words, 'le')],
    ['utf-16be', utf16(words, 'be')],
    ['utf-16le', utf16(words, 'le', false)],
    ['utf-16be', utf16(words, 'be', false)],
  ] as const)('is read as %s', (encoding, bytes) => {
    expect(decode('a.csv', bytes)).toEqual({ encoding, text: words })
  })

  it('of an old Windows is told by bytes that are no UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('naam\nZo'),
      Buffer.from([0xeb, 0x20, 0x80, 0x20, 0x92]),
      Buffer.from('s\n'),
    ])
    expect(decode('a.csv', bytes)).toEqual({ encoding: 'windows-1252', text: 'naam\nZoë € ’s\n' })
  })

  it('is not what isn’t text', () => {
    expect(refusal(() => decode('photo.png', Buffer.from([0x89, 0x50, 0, 0x41, 0x42, 0x43, 0x44, 0x45])))).toContain(
      'photo.png is not a text file',
    )
  })
})

describe('an archive', () => {
  it('is unpacked to its CSV files, wherever they are in it', () => {
    const bytes = zipSync({
      'roster/users.csv': strToU8('a,b\n'),
      'roster/readme.md': strToU8('no'),
      '__MACOSX/roster/._users.csv': strToU8('no'),
    })
    expect(readUploads([{ name: 'all.zip', bytes }]).map((one) => [one.name, one.text])).toEqual([
      ['users.csv', 'a,b\n'],
    ])
  })

  it('without one, broken, too large or a workbook, says what to do', () => {
    const upload = (bytes: Uint8Array) => refusal(() => readUploads([{ name: 'all.zip', bytes }]))
    expect(upload(zipSync({ 'a.md': strToU8('x') }))).toContain('There is no CSV file')
    expect(upload(zipSync({ 'a.csv': strToU8('x') }).subarray(0, 20))).toContain('can’t be unpacked')
    expect(upload(zipSync({ '[Content_Types].xml': strToU8('x'), 'xl/sheet.xml': strToU8('x') }))).toContain(
      'is a workbook',
    )
    // A few kilobytes that unpack to more than is taken.
    expect(upload(zipSync({ 'a.csv': new Uint8Array(30 * 1024 * 1024) }))).toContain('too large')
  })
})

const table = (text: string) => readTable({ name: 'a.csv', encoding: 'utf-8', text })

describe('a table', () => {
  it.each([',', ';', '\t', '|'] as const)('is cut at %j', (delimiter) => {
    const rows = [
      ['name', 'email', 'group'],
      ['Bakker; Noor, "the"|\t', 'noor@x.example', '3A'],
      ['Daan', 'daan@x.example', ''],
    ]
    const quoted = (cell: string) => `"${cell.replaceAll('"', '""')}"`
    const text = rows.map((row) => row.map(quoted).join(delimiter)).join('\r\n')
    const read = table(text)
    expect(read.delimiter).toBe(delimiter)
    expect(read.rows[1]?.[0]).toBe('Bakker; Noor, "the"|')
    expect(read.rows[2]).toEqual(['Daan', 'daan@x.example', ''])
  })

  it('takes Excel’s hint, skips blank rows, and knows the lines', () => {
    const read = table('sep=;\r\nname;email\r\n\r\n;;\r\n"Two\r\nlines";a@x.example\r\nNext;b@x.example\r\n')
    expect(read.rows).toEqual([
      ['name', 'email'],
      ['Two lines', 'a@x.example'],
      ['Next', 'b@x.example'],
    ])
    expect(read.lines).toEqual([2, 5, 7])
  })

  it('of one column is one', () => {
    expect(table('email\na@x.example\nb@x.example\n').rows).toEqual([['email'], ['a@x.example'], ['b@x.example']])
  })

  it('may be ragged', () => {
    expect(table('a,b,c\n1,2\n1,2,3,4\n').rows).toEqual([
      ['a', 'b', 'c'],
      ['1', '2'],
      ['1', '2', '3', '4'],
    ])
  })

  it('does not keep passwords', () => {
    const read = table('name,Password,Eerste wachtwoord,Passage\nAda,secret1,secret2,kept\n')
    expect(read.rows).toEqual([
      ['name', 'Password', 'Eerste wachtwoord', 'Passage'],
      ['Ada', '', '', 'kept'],
    ])
  })

  it('that is empty or broken says so', () => {
    expect(refusal(() => table(''))).toContain('a.csv is empty')
    expect(refusal(() => table('\n\n'))).toContain('a.csv is empty')
    expect(refusal(() => table('name,email\n"Ada,ada@x.example\nBo,bo@x.example\n'))).toContain('quotation mark')
    expect(refusal(() => table('a,b\n'.repeat(50_001)))).toContain('50,000 rows')
  })
})

describe('columns', () => {
  const mapped = (header: string, row = ''): Mapping => {
    const rows = [header.split(','), row.split(',')]
    expect(looksLikeHeader(rows[0] ?? [])).toBe(true)
    return guessMapping(rows, true)
  }

  it.each<[string, Mapping]>([
    [
      'First Name,Last Name,E-mail address,Class,School',
      { first_name: 0, last_name: 1, email: 2, group: 3, location: 4 },
    ],
    [
      'Leerlingnummer,Roepnaam,Tussenvoegsel,Achternaam,Klas,E-mailadres,Vestiging',
      { external_id: 0, first_name: 1, infix: 2, last_name: 3, group: 4, email: 5, location: 6 },
    ],
    [
      'Vorname,Nachname,E-Mail-Adresse,Klasse,Schule,Rolle',
      { first_name: 0, last_name: 1, email: 2, group: 3, location: 4, kind: 5 },
    ],
    [
      'Prénom,Nom de famille,Adresse électronique,Classe,Établissement',
      { first_name: 0, last_name: 1, email: 2, group: 3, location: 4 },
    ],
    ['Prénom,Nom,Courriel,Équipe,Matricule', { first_name: 0, last_name: 1, email: 2, group: 3, external_id: 4 }],
    ['Voornaam,Naam,Mail', { first_name: 0, last_name: 1, email: 2 }],
    ['Schüler,Klasse,E-Mail', { name: 0, group: 1, email: 2 }],
    ['NAME,EMAIL,TEAM,OFFICE', { name: 0, email: 1, group: 2, location: 3 }],
  ])('%s', (header, expected) => {
    expect(mapped(header)).toEqual(expected)
  })

  it('prefer an address to a user name', () => {
    expect(mapped('Username,Email,Name', 'ada,ada@x.example,Ada').email).toBe(1)
  })

  it('without headers are told by what stands in them', () => {
    const rows = [
      ['17', 'Ada Lovelace', 'ada@x.example', '3A'],
      ['18', 'Noor de Vries', 'noor@x.example', '3B'],
    ]
    expect(looksLikeHeader(rows[0] ?? [])).toBe(false)
    expect(guessMapping(rows, false)).toMatchObject({ name: 1, email: 2 })
  })
})

it.each([
  ['Leerling', 'student'],
  ['Schülerin', 'student'],
  ['élève', 'student'],
  ['TEACHER', 'staff'],
  ['Lehrkraft', 'staff'],
  ['Enseignante', 'staff'],
  ['Lecturer', 'staff'],
  ['dragon', null],
] as const)('%s is %s', (word, kind) => {
  expect(kindOf(word, 'school')).toBe(kind)
  expect(kindOf(word, 'company')).toBe('employee')
})
