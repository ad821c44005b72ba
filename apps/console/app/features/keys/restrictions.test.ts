import { isIP } from 'node:net'
import { describe, expect, test } from 'vitest'
import {
  choicesOf,
  isNetwork,
  modelsOfProvider,
  NO_RESTRICTIONS,
  restrictionsOf,
  restrictionWords,
} from './restrictions.ts'

const price = { input_usd_per_million: '1.00', output_usd_per_million: '2.00' }
const choices = choicesOf([
  { name: 'large', provider: 'openai', provider_id: 'prv_1', ...price },
  { name: 'small', provider: 'openai', provider_id: 'prv_1', ...price },
  { name: 'large', provider: 'azure', provider_id: 'prv_2', ...price, input_usd_per_million: '1.50' },
])
const of = (changes: Partial<typeof NO_RESTRICTIONS>) => restrictionsOf({ ...NO_RESTRICTIONS, ...changes }, choices)

test('a model that several serve is one choice, with the price of the provider that is chosen', () => {
  expect(choices.models.map((model) => [model.name, model.offers.length])).toEqual([
    ['large', 2],
    ['small', 1],
  ])
  expect(choices.providers).toEqual([
    { id: 'prv_2', name: 'azure' },
    { id: 'prv_1', name: 'openai' },
  ])
  expect(modelsOfProvider(choices, 'prv_2')).toEqual([
    { name: 'large', offers: [{ provider_id: 'prv_2', ...price, input_usd_per_million: '1.50' }] },
  ])
})

test('blank means no restriction', () => {
  expect(of({ addresses: ' \n\n' })).toEqual({
    restrictions: { allowed_models: null, allowed_ips: null, provider_id: null, requests_per_minute: null },
    problems: {},
  })
})

test('each bad line is named by its number', () => {
  const { problems } = of({ addresses: '192.0.2.7\n\n10.0.0.999\n 2001:db8::/32 \nthe school' })
  expect(problems.allowed_ips).toMatch(/^Line 3: “10.0.0.999”\nLine 5: “the school”\nThese are no addresses/)
  expect(of({ addresses: '192.0.2.0/33' }).problems.allowed_ips).toMatch(/^Line 1: “192.0.2.0\/33” is no address/)
  expect(of({ addresses: '192.0.2.7\r\n192.0.2.7' }).restrictions.allowed_ips).toEqual(['192.0.2.7'])
})

test('models that the provider does not serve would make the key useless; an alias may be of any', () => {
  expect(of({ models: ['small'], provider_id: 'prv_2' }).problems.allowed_models).toMatch(/azure serves none/)
  expect(of({ models: ['small', 'large'], provider_id: 'prv_2' }).problems).toEqual({})
  expect(of({ models: ['fast'], provider_id: 'prv_2' }).problems).toEqual({})
})

test.each(['0', '-1', '1.5', 'ten', '100001'])('%j requests a minute are no limit', (typed) => {
  const { problems, restrictions } = of({ requests_per_minute: typed })
  expect(problems.requests_per_minute).toMatch(/whole number/)
  expect(restrictions.requests_per_minute).toBeNull()
})

describe('in words', () => {
  test.each([
    [{}, ''],
    [{ models: ['small'] }, ' Only with small.'],
    [{ models: ['small', 'large'], addresses: '::1' }, ' Only with small or large, from ::1.'],
    [{ requests_per_minute: '1' }, ' At most 1 request a minute.'],
    [{ models: ['small'], requests_per_minute: ' 60 ' }, ' Only with small. At most 60 requests a minute.'],
    [{ models: ['a', 'b', 'c', 'd'], provider_id: 'prv_1' }, ' Only with 4 models, through openai.'],
  ])('%o', (changes, words) => {
    expect(restrictionWords(of(changes).restrictions, choices)).toBe(words)
  })
})

describe('an address is one to the page if it is one to the server', () => {
  test.each([
    '192.0.2.7',
    '0.0.0.0',
    '255.255.255.255',
    '256.0.0.1',
    '01.2.3.4',
    '1.2.3',
    '1.2.3.4.5',
    '::',
    '::1',
    '2001:db8::7',
    '2001:DB8::7',
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '::ffff:192.0.2.7',
    '::ffff:192.0.2.256',
    '12345::',
    ':1',
    '[::1]',
    'localhost',
    '',
  ])('%j', (text) => {
    expect(isNetwork(text)).toBe(isIP(text) !== 0)
  })

  test.each([
    ['192.0.2.0/24', true],
    ['192.0.2.0/0', true],
    ['192.0.2.0/33', false],
    ['2001:db8::/128', true],
    ['2001:db8::/129', false],
    ['192.0.2.0/', false],
    ['192.0.2.0/024', false],
    ['192.0.2.0/24/24', false],
    ['fe80::1%eth0', false],
  ])('%j: %s', (text, is) => {
    expect(isNetwork(text)).toBe(is)
  })
})
