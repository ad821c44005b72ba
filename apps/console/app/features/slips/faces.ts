import latin from '@fontsource/noto-sans/unicode.json' with { type: 'json' }
import arabic from '@fontsource/noto-sans-arabic/unicode.json' with { type: 'json' }
import hebrew from '@fontsource/noto-sans-hebrew/unicode.json' with { type: 'json' }
import chinese from '@fontsource/noto-sans-sc/unicode.json' with { type: 'json' }

/** Gives a font file by its name, `noto-sans/noto-sans-latin-400-normal.woff`. */
export type LoadFont = (file: string) => Promise<Uint8Array>

export type Weight = 400 | 600

/** A part of a family, in a file of its own. Only the parts whose characters occur are ever fetched. */
export type Face = {
  family: string
  subset: string
  /** First and last code points, in pairs. */
  ranges: readonly (readonly [number, number])[]
  /** Letters join or stack: where each glyph stands is the font's to say. */
  isShaped: boolean
}

const FACES: readonly Face[] = [
  ...facesOf('noto-sans', latin, [
    'latin',
    'latin-ext',
    'vietnamese',
    'greek',
    'greek-ext',
    'cyrillic',
    'cyrillic-ext',
  ]),
  ...facesOf('noto-sans', latin, ['devanagari'], true),
  ...facesOf('noto-sans-arabic', arabic, ['arabic'], true),
  ...facesOf('noto-sans-hebrew', hebrew, ['hebrew'], true),
  ...facesOf('noto-sans-sc', chinese, Object.keys(chinese)),
]

export function fileOf(face: Face, weight: Weight): string {
  return `${face.family}/${face.family}-${face.subset}-${weight}-normal.woff`
}

export const MONO_FILE = 'noto-sans-mono/noto-sans-mono-latin-400-normal.woff'

/** Text that one face can set. Characters nobody can are question marks. */
export type Run = { text: string; face: Face }

/** Cuts a line into runs, as few as possible. */
export function runsOf(text: string): Run[] {
  const runs: Run[] = []
  for (const character of text.normalize('NFC')) {
    const last = runs.at(-1)
    const code = character.codePointAt(0) ?? 0
    if (last !== undefined && covers(last.face, code)) {
      last.text += character
      continue
    }
    const face = FACES.find((one) => covers(one, code))
    if (face !== undefined) runs.push({ text: character, face })
    else if (last !== undefined && covers(last.face, QUESTION_MARK)) last.text += '?'
    else runs.push({ text: '?', face: FACES[0] as Face })
  }
  if (!isRightToLeft(text)) return runs
  // Read from the right: what stands between two runs stays between them.
  return runs.toReversed().map(({ text: run, face }) => ({ text: face.isShaped ? run : turned(run), face }))
}

function turned(run: string): string {
  const [, before = '', words = '', after = ''] = /^(\s*)(.*?)(\s*)$/s.exec(run) ?? []
  return after + words + before
}

const QUESTION_MARK = 0x3f

/** By the first letter that has a direction, as browsers decide it. */
export function isRightToLeft(text: string): boolean {
  const letter = /\p{L}/u.exec(text)?.[0] ?? ''
  return /[\p{Script=Arabic}\p{Script=Hebrew}]/u.test(letter)
}

function covers({ ranges }: Face, code: number): boolean {
  return ranges.some(([first, last]) => code >= first && code <= last)
}

function facesOf(family: string, unicode: Record<string, string>, subsets: string[], isShaped = false): Face[] {
  return subsets.map((name) => ({
    family,
    // The parts of a large family are numbered: `[116]`.
    subset: name.replaceAll(/[[\]]/g, ''),
    ranges: (unicode[name] ?? '').split(',').map((range) => {
      const [first = '', last = first] = range.replace(/^U\+/i, '').split('-')
      return [Number.parseInt(first, 16), Number.parseInt(last, 16)] as const
    }),
    isShaped,
  }))
}
