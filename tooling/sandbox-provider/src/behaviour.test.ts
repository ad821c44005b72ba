import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Behaviour, createBehaviours, withoutMarkers } from './behaviour.ts'

function asked(question: string, rawHeaders: string[] = []): Behaviour {
  return createBehaviours().take(rawHeaders, question)
}

describe('markers', () => {
  it('set one or several behaviours, by short and by full name', () => {
    expect(asked('hi')).toEqual({})
    expect(asked('hi [[sandbox: delay=500 status=503]]')).toEqual({ delay_ms: 500, status: 503 })
    expect(asked('[[sandbox: crlf comments=false]] hi [[sandbox:cut_after_chunks=3]]')).toEqual({
      crlf: true,
      comments: false,
      cut_after_chunks: 3,
    })
  })

  it('take texts in quotes, with brackets and line ends', () => {
    expect(asked('[[sandbox: text="a ]] \\"b\\"\\n🙂" n_o=1]]'.replace(' n_o=1', ''))).toEqual({ text: 'a ]] "b"\n🙂' })
    expect(asked('[[sandbox: text=123]]')).toEqual({ text: '123' })
  })

  it('give a bare word the usual value', () => {
    expect(asked('[[sandbox: cut split overrun wrong_usage]]')).toEqual({
      cut_after_chunks: 1,
      split: 7,
      overrun: 50,
      wrong_usage: 'huge',
    })
  })

  it('are refused when they name or set what does not exist', () => {
    for (const marker of ['delya=5', 'status=abc', 'status=200', 'garbage=nice', 'delay=-1', 'text="\\q"']) {
      expect(() => asked(`[[sandbox: ${marker}]]`), marker).toThrow(expect.objectContaining({ status: 400 }))
    }
  })

  it('leave the question without them', () => {
    expect(withoutMarkers('one [[sandbox: text="]]"]]two').replaceAll(/\s+/g, ' ')).toBe('one two')
  })
})

describe('headers', () => {
  it('set behaviours, weaker than markers', () => {
    const headers = ['Host', 'x', 'X-Sandbox-Delay-Ms', '5', 'x-sandbox-text', 'caf%C3%A9', 'x-sandbox-crlf', '']
    expect(asked('hi', headers)).toEqual({ delay_ms: 5, text: 'café', crlf: true })
    expect(asked('[[sandbox: delay=7]]', headers)).toMatchObject({ delay_ms: 7 })
  })
})

describe('instructions', () => {
  it('hold for all requests until replaced', () => {
    const behaviours = createBehaviours()
    behaviours.configure({ status: 500 })
    expect(behaviours.take([], '')).toEqual({ status: 500 })
    expect(behaviours.take([], '[[sandbox: status=503]]')).toEqual({ status: 503 })
    behaviours.configure({})
    expect(behaviours.take([], '')).toEqual({})
  })

  it('hold for the next requests, one after the other', () => {
    const behaviours = createBehaviours()
    behaviours.configure({ crlf: true, status: 418 })
    behaviours.configure({ status: 500, next: 2 })
    behaviours.configure({ status: 429, next: 1 })
    const statuses = Array.from({ length: 4 }, () => behaviours.take([], ''))
    expect(statuses).toEqual([
      { crlf: true, status: 500 },
      { crlf: true, status: 500 },
      { crlf: true, status: 429 },
      { crlf: true, status: 418 },
    ])
  })

  it('hold for a share of the requests, the same ones after every reset', () => {
    const behaviours = createBehaviours()
    const run = () => {
      behaviours.clear()
      behaviours.configure({ hang: true, probability: 0.3 })
      return Array.from({ length: 1_000 }, () => behaviours.take([], '').hang === true)
    }
    const first = run()
    expect(first.filter(Boolean).length).toBeGreaterThan(250)
    expect(first.filter(Boolean).length).toBeLessThan(350)
    expect(run()).toEqual(first)
  })

  it('are strict', () => {
    const behaviours = createBehaviours()
    expect(() => behaviours.configure({ delay: 5 } as never)).toThrow('delay')
    expect(() => behaviours.configure({ probability: 2 })).toThrow('probability')
    expect(behaviours.told()).toEqual({ all: {}, next: [] })
  })
})

it('README.md lists every behaviour and no other', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const table = readme.slice(readme.indexOf('| name (short)'), readme.indexOf('## Another API'))
  const rows = table.split('\n').slice(2)
  const listed = rows.flatMap((row) => (row.split('|')[1] ?? '').match(/`\w+`(?!\))/g) ?? [])
  expect(listed.map((name) => name.slice(1, -1)).sort()).toEqual(Object.keys(Behaviour.shape).sort())
})
