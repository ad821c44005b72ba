import { addressOf, type DemoKey, type DemoOrganisation, type DemoPerson, type Role } from './demo-organisation.ts'

const COMPANY_DOMAIN = 'brightwater.example'
const TEAMS: Record<string, { location: string; names: string[] }> = {
  Hydraulics: {
    location: 'Bristol',
    names: [
      'Eleanor Ashworth',
      'Tomasz Wójcik',
      'Grace Adeyemi',
      'Rhys Llewellyn-Jones',
      'Amelia Hartley',
      'Kwame Mensah',
      'Niamh Gallagher',
      'Oliver Pemberton',
      'Ingrid Halvorsen',
      'Samuel Okonkwo',
    ],
  },
  Software: {
    location: 'Bristol',
    names: [
      'Priyanka Venkataraman',
      'Callum Fraser',
      'Chloé Beaumont',
      'Wei Zhang',
      'Beatriz Gonçalves',
      'Harvey Whitlock',
      'Agnieszka Zielińska',
      'Jamal Richardson',
      'Freya Lindqvist',
      'Dominic Castellano-Whitmore',
    ],
  },
  'Field services': {
    location: 'Leeds',
    names: [
      'Imran Qureshi',
      'Megan Thornton',
      'Patrick O’Sullivan',
      'Lakshmi Narayanan',
      'George Featherstonehaugh',
      'Marta Kovačević',
      'Declan Murphy',
      'Yasmin Rahman',
      'Bartholomew Fitzgerald-Cunningham',
      'Sinead Byrne',
    ],
  },
  Finance: {
    location: 'Leeds',
    names: ['Victoria Langley', 'Anwar Siddiqui', 'Rosalind Carmichael', 'Emil Sørensen', 'Daniela Popescu'],
  },
}

const companyPerson = (name: string, role: Role, location: string | null, group: string | null): DemoPerson => ({
  name,
  email: addressOf(name, COMPANY_DOMAIN),
  kind: 'employee',
  role,
  location,
  group,
  is_confined: name === 'Gareth Bevan',
  has_account: name !== 'Sinead Byrne' && name !== 'Emil Sørensen',
})

const EMPLOYEES: DemoPerson[] = [
  companyPerson('Helen Marchetti', 'owner', null, null),
  companyPerson('David Osei-Bonsu', 'admin', null, null),
  companyPerson('Gareth Bevan', 'admin', 'Leeds', null),
  companyPerson('Louise Tremblay', 'auditor', null, null),
  companyPerson('Nikolai Petrov', 'member', 'Bristol', null),
  ...Object.entries(TEAMS).flatMap(([team, { location, names }]) =>
    names.map((name) => companyPerson(name, 'member', location, team)),
  ),
]

const employeeKey = (name: string, key: Omit<DemoKey, 'email'>): DemoKey => ({
  email: addressOf(name, COMPANY_DOMAIN),
  ...key,
})
const TENDER = 'Tidal barrier tender'

export const BRIGHTWATER: DemoOrganisation = {
  slug: 'brightwater',
  name: 'Brightwater Engineering',
  kind: 'company',
  time_zone: 'Europe/London',
  accent_color: 'indigo',
  credit: { amount_usd: '1000.00', cause: 'Opening balance' },
  locations: ['Bristol', 'Leeds'],
  groups: Object.entries(TEAMS).map(([name, { location }]) => ({ name, location, lead: null })),
  allocation: { name: TENDER, budget_usd: '250.00', renewal: 'monthly' },
  people: EMPLOYEES,
  provider: {
    name: 'on-site',
    kind: 'vllm',
    models: [
      {
        name: 'engineering-large',
        upstream_name: 'sandbox-large',
        aliases: ['drawings'],
        dialects: ['chat', 'completions', 'responses', 'messages'],
        price: { input_usd_per_million: '0.40', output_usd_per_million: '1.60' },
      },
    ],
  },
  keys: [
    employeeKey('Callum Fraser', {
      name: 'Editor',
      budget_usd: '50.00',
      renewal: 'monthly',
      allocation: null,
      valid_days: null,
      pace: 1,
    }),
    employeeKey('Wei Zhang', {
      name: 'Command line',
      budget_usd: '10.00',
      renewal: 'never',
      allocation: null,
      valid_days: null,
      pace: 0.6,
    }),
    employeeKey('Beatriz Gonçalves', {
      name: 'Editor',
      budget_usd: '25.00',
      renewal: 'weekly',
      allocation: null,
      valid_days: null,
      pace: 1,
    }),
    employeeKey('Eleanor Ashworth', {
      name: 'Calculations',
      budget_usd: '40.00',
      renewal: 'never',
      allocation: TENDER,
      valid_days: 120,
      pace: 0.8,
    }),
    employeeKey('Imran Qureshi', {
      name: 'Site reports',
      budget_usd: '5.00',
      renewal: 'daily',
      allocation: null,
      valid_days: 365,
      pace: 0.4,
    }),
  ],
  lesson: null,
}
