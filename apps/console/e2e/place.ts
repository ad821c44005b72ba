import { createAccount } from '@stipend/auth'
import { groups, keys, locations, members, newId } from '@stipend/core'
import { close, connect } from '@stipend/db'
import OpenAI from 'openai'
import { test as base } from './fixtures.ts'
import { operatorOf, PASSWORD, type SeededPerson } from './scenario.ts'

export type Place = {
  location: { id: string; name: string }
  group: { id: string; name: string }
  other: { id: string; name: string }
  pupils: SeededPerson[]
  /** Leads the first class. */
  teacher: SeededPerson
  /** Looks after this location only. */
  admin: SeededPerson
  secrets: string[]
}

/** A location of the school with two classes, made for one file alone: what is revoked there is nobody else's. */
export const test = base.extend<{ place: Place }, { placeName: string; furnished: Place }>({
  /** Each file has one of its own. */
  placeName: ['Oost', { option: true, scope: 'worker' }],
  furnished: [
    async ({ placeName }, use) => {
      const { database_url, school } = JSON.parse(process.env.E2E_WORLD ?? '{}')
      const database = connect(database_url)
      const operate = operatorOf(database, school.tenant_id)
      // A test that fails brings a new worker, which furnishes again.
      const location = await operate(locations.create, {
        name: `Lindenhof ${placeName} ${newId('location').slice(-4)}`,
      })
      const [group, other] = [
        await operate(groups.create, { name: 'Klas 5A', location_id: location.id }),
        await operate(groups.create, { name: 'Klas 5B', location_id: location.id }),
      ]
      const add = async (name: string, fields: object) => {
        const email = `${newId('member').slice(-10)}@oost.example`
        const { id } = await operate(members.create, { name, email, location_id: location.id, ...fields })
        await createAccount(database, { tenant_id: school.tenant_id, member_id: id, email, password: PASSWORD })
        return { id, name, email }
      }
      const pupils = []
      for (const name of ['Lotte Kuipers', 'Jayden Visser', 'Fatima Benali']) {
        pupils.push(await add(name, { kind: 'student', group_ids: [group.id] }))
      }
      pupils.push(await add('Thijs de Boer', { kind: 'student', group_ids: [other.id] }))
      const teacher = await add('Karin Mulder', { kind: 'staff' })
      const admin = await add('Bas Admiraal', { kind: 'staff', role: 'admin', scope_location_ids: [location.id] })
      await operate(groups.setLeads, { group_id: group.id, member_ids: [teacher.id] })
      const secrets = []
      for (const { id } of pupils) {
        secrets.push((await operate(keys.create, { member_id: id, name: 'Lesson', budget_usd: '5.00' })).secret ?? '')
      }
      await close(database)
      await use({ location, group, other, pupils, teacher, admin, secrets })
    },
    { scope: 'worker' },
  ],
  place: async ({ furnished }, use) => use(furnished),
})

/** What the gateway says to a key: answered, or its status and code. */
export async function codeOf(url: string, secret: string): Promise<string> {
  const client = new OpenAI({ baseURL: url, apiKey: secret, maxRetries: 0 })
  return client.chat.completions
    .create({ model: 'sandbox-small', max_tokens: 5, messages: [{ role: 'user', content: 'Hi' }] })
    .then(
      () => 'answered',
      (error) => `${error.status} ${error.code}`,
    )
}
