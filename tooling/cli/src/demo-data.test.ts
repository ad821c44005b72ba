import { describe, expect, test } from 'vitest'
import { DEMO_ORGANISATIONS } from './demo-data.ts'
import { addressOf } from './demo-organisation.ts'

const [school, company] = DEMO_ORGANISATIONS

describe('the demo', () => {
  test('has what it promises', () => {
    expect(school?.people.filter((person) => person.kind === 'student')).toHaveLength(60)
    expect(school?.locations).toHaveLength(2)
    expect(school?.groups).toHaveLength(4)
    expect(company?.people).toHaveLength(40)
    expect(company?.locations).toHaveLength(2)
  })

  test.each(DEMO_ORGANISATIONS)('of $slug names only what it has', (organisation) => {
    const { people, locations, groups, keys, allocation } = organisation
    const addresses = people.map((person) => person.email)
    expect(new Set(addresses).size).toBe(addresses.length)
    expect(people.filter((person) => person.role === 'owner')).toHaveLength(1)
    for (const person of people) {
      expect(person.email).toMatch(/^[a-z0-9.]+@[a-z.]+\.example$/)
      if (person.location !== null) expect(locations).toContain(person.location)
      const group = groups.find((one) => one.name === person.group)
      if (person.group !== null) expect(group?.location).toBe(person.location)
    }
    for (const key of keys) {
      expect(people.find((person) => person.email === key.email)?.has_account).toBe(true)
      if (key.allocation !== null) expect(key.allocation).toBe(allocation.name)
    }
  })
})

test.each([
  ['Zoë van der Meer', 'zoe.van.der.meer@a.example'],
  ['Łucja Kowalczyk', 'lucja.kowalczyk@a.example'],
  ['Søren Kjær-Andersen', 'soren.kjaer.andersen@a.example'],
  ['Siobhán O’Connor', 'siobhan.o.connor@a.example'],
])('the address of %s is %s', (name, address) => {
  expect(addressOf(name, 'a.example')).toBe(address)
})
