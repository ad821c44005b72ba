/** Who and what is in the demo. Invented; the addresses are of domains that exist for examples only. */

type Kind = 'student' | 'staff' | 'employee'
type Role = 'owner' | 'admin' | 'auditor' | 'member'

export type DemoPerson = {
  name: string
  email: string
  kind: Kind
  role: Role
  /** Name of a location; null is the whole organisation. */
  location: string | null
  group: string | null
  /** An admin or auditor of their own location only. */
  is_confined: boolean
  /** Whether they can sign in, which is also what a key needs. */
  has_account: boolean
}

export type DemoKey = {
  /** E-mail address of whom it is for. */
  email: string
  name: string
  budget_usd: string | null
  renewal: 'never' | 'when_used_up' | 'daily' | 'weekly' | 'monthly'
  allocation: string | null
  valid_days: number | null
  /** How much of a month was worked with it: 0 not at all, 1 a lot. */
  pace: number
}

/** A class that works at this moment: everybody in it who can have a key has one for this lesson. */
export type DemoLesson = {
  group: string
  key_name: string
  budget_usd: string
  /** How busy each is, one after the other. */
  paces: readonly number[]
}

export type DemoOrganisation = {
  slug: string
  name: string
  kind: 'school' | 'company'
  time_zone: string
  accent_color: string
  credit: { amount_usd: string; cause: string }
  locations: string[]
  /** `lead` is the address of who leads it. */
  groups: { name: string; location: string; lead: string | null }[]
  allocation: { name: string; budget_usd: string; renewal: 'never' | 'monthly' }
  people: DemoPerson[]
  keys: DemoKey[]
  lesson: DemoLesson | null
  /** One of its own, which is the sandbox again under another name. */
  provider: {
    name: string
    kind: 'vllm'
    models: {
      name: string
      upstream_name: string
      aliases: string[]
      dialects: string[]
      price: { input_usd_per_million: string; output_usd_per_million: string }
    }[]
  } | null
}

/** Letters, digits and hyphens of a name, as a school's own system would make an address of it. */
export function addressOf(name: string, domain: string): string {
  const plain = name
    .normalize('NFD')
    .replace(/\p{Diacritic}/gu, '')
    .replaceAll('ł', 'l')
    .replaceAll('Ł', 'L')
    .replaceAll('ø', 'o')
    .replaceAll('Ø', 'O')
    .replaceAll('đ', 'd')
    .replaceAll('Đ', 'D')
    .replaceAll('ß', 'ss')
    .replaceAll('æ', 'ae')
    .replaceAll('Æ', 'Ae')
    .replaceAll('ı', 'i')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '.')
    .replace(/^\.|\.$/g, '')
  return `${plain.slice(0, 60).replace(/\.$/, '')}@${domain}`
}

const NOORD = 'Lindenhof College Noord'
const ZUID = 'Lindenhof Lyceum Zuid'

/** Fifteen to a class. */
const CLASSES: Record<string, { location: string; names: string[] }> = {
  'Klas 3A': {
    location: NOORD,
    names: [
      'Sanne de Vries',
      'Mohammed El Amrani',
      'Zoë van der Meer',
      'Daan Jansen',
      'Aylin Öztürk',
      'Thijs van den Bergh',
      'Noor Bakker',
      'Jayden Pinas',
      'Łucja Kowalczyk',
      'Sem Visser',
      'Fatima Zahra Benali',
      'Finn Smit',
      'Yara Haddad',
      'Lotte Mulder',
      'Chukwuemeka Okafor',
    ],
  },
  'Klas 3B': {
    location: NOORD,
    names: [
      'Emma Willems',
      'Nguyễn Minh Anh',
      'Bram Peters',
      'Anaïs Lefèvre',
      'Yusuf Demir',
      'Fleur Hendriks',
      'Levi Cohen',
      'Isa Dekker',
      'Amir Hosseini',
      'Julia Dijkstra',
      'Maximiliaan Alexander van Heemstra-Roosenburg van Wassenaer',
      'Sofie Brouwer',
      'Rayan Bouzidi',
      'Tess de Groot',
      'José Luis Fernández Ibáñez',
    ],
  },
  'Informatica 5V': {
    location: ZUID,
    names: [
      'Lars Hoekstra',
      'Mei-Ling Tan',
      'Jasper Vermeulen',
      'Ömer Çelik',
      'Eva Kuipers',
      'Siobhán O’Connor',
      'Ruben van Leeuwen',
      'Priya Ramcharan',
      'Gijs Schouten',
      'Zeynep Şahin',
      'Floris Postma',
      'Hanna Łukaszewska',
      'Tygo Veenstra',
      'Imani Wekesa',
      'Björn Ångström',
    ],
  },
  'Profielwerkstuk 6V': {
    location: ZUID,
    names: [
      'Anna Maria Theodora van Oldenbarnevelt tot Benthuizen',
      'Luca Rossi',
      'Roos Timmermans',
      'Bilal Aziz',
      'Maud Scholten',
      'Dmytro Shevchenko',
      'Elif Yıldız',
      'Stijn Kok',
      'Naomi Tesfaye',
      'Pim Huisman',
      'Ana Đorđević',
      'Teun Blom',
      'Mila Evers',
      'Søren Kjær-Andersen',
      'Jip Li',
    ],
  },
}

/** These have no account yet: they are in the lists and can't be given a key. */
const STUDENTS_WITHOUT_ACCOUNT = new Set(['Finn Smit', 'Isa Dekker', 'Tygo Veenstra', 'Jip Li'])

const SCHOOL_DOMAIN = 'lindenhof.example'

const schoolPerson = (name: string, role: Role, location: string | null, is_confined = false): DemoPerson => ({
  name,
  email: addressOf(name, SCHOOL_DOMAIN),
  kind: 'staff',
  role,
  location,
  group: null,
  is_confined,
  has_account: true,
})

const STAFF: DemoPerson[] = [
  schoolPerson('Marijke van Dijk', 'owner', null),
  schoolPerson('Karim Aboutaleb', 'admin', null),
  schoolPerson('Willemijn Verhoeven', 'admin', NOORD, true),
  schoolPerson('Joris van der Linden', 'admin', ZUID, true),
  schoolPerson('Renée Schipper', 'auditor', null),
  schoolPerson('Pieter Bosman', 'member', NOORD),
  schoolPerson('Hilâl Yılmaz', 'member', NOORD),
  schoolPerson('Geert-Jan Wiersma', 'member', ZUID),
]

const STUDENTS: DemoPerson[] = Object.entries(CLASSES).flatMap(([group, { location, names }]) =>
  names.map((name) => ({
    name,
    email: addressOf(name, `leerling.${SCHOOL_DOMAIN}`),
    kind: 'student' as const,
    role: 'member' as const,
    location,
    group,
    is_confined: false,
    has_account: !STUDENTS_WITHOUT_ACCOUNT.has(name),
  })),
)

const studentKey = (name: string, key: Omit<DemoKey, 'email'>): DemoKey => ({
  email: addressOf(name, `leerling.${SCHOOL_DOMAIN}`),
  ...key,
})
const PROJECT = 'Profielwerkstuk 2027'

const LINDENHOF: DemoOrganisation = {
  slug: 'lindenhof',
  name: 'Lindenhof Schools',
  kind: 'school',
  time_zone: 'Europe/Amsterdam',
  accent_color: 'teal',
  credit: { amount_usd: '500.00', cause: 'Invoice 2026-0141, school year 2026-2027' },
  locations: [NOORD, ZUID],
  groups: Object.entries(CLASSES).map(([name, { location }]) => ({
    name,
    location,
    lead: addressOf(location === NOORD ? 'Pieter Bosman' : 'Geert-Jan Wiersma', SCHOOL_DOMAIN),
  })),
  allocation: { name: PROJECT, budget_usd: '60.00', renewal: 'never' },
  people: [...STAFF, ...STUDENTS],
  provider: null,
  keys: [
    studentKey('Sanne de Vries', {
      name: 'Homework',
      budget_usd: '5.00',
      renewal: 'never',
      allocation: null,
      valid_days: null,
      pace: 0,
    }),
    studentKey('Mohammed El Amrani', {
      name: 'Homework',
      budget_usd: '2.50',
      renewal: 'monthly',
      allocation: null,
      valid_days: 240,
      pace: 0.4,
    }),
    studentKey('Zoë van der Meer', {
      name: 'Web project',
      budget_usd: '1.00',
      renewal: 'weekly',
      allocation: null,
      valid_days: 60,
      pace: 0.3,
    }),
    studentKey('Lars Hoekstra', {
      name: 'Informatica',
      budget_usd: '0.50',
      renewal: 'daily',
      allocation: null,
      valid_days: null,
      pace: 0.5,
    }),
    studentKey('Bilal Aziz', {
      name: 'Profielwerkstuk',
      budget_usd: '15.00',
      renewal: 'never',
      allocation: PROJECT,
      valid_days: 180,
      pace: 0.7,
    }),
    studentKey('Roos Timmermans', {
      name: 'Profielwerkstuk',
      budget_usd: null,
      renewal: 'never',
      allocation: PROJECT,
      valid_days: 180,
      pace: 0.6,
    }),
    {
      email: addressOf('Pieter Bosman', SCHOOL_DOMAIN),
      name: 'Lesson preparation',
      budget_usd: '20.00',
      renewal: 'monthly',
      allocation: null,
      valid_days: null,
      pace: 0.5,
    },
    ...moreKeys(
      [
        'Emma Willems',
        'Nguyễn Minh Anh',
        'Anaïs Lefèvre',
        'Yusuf Demir',
        'Levi Cohen',
        'Amir Hosseini',
        'Tess de Groot',
      ],
      { name: 'Web project', budget_usd: '4.00', renewal: 'monthly' },
    ),
    ...moreKeys(
      [
        'Mei-Ling Tan',
        'Ömer Çelik',
        'Eva Kuipers',
        'Siobhán O’Connor',
        'Priya Ramcharan',
        'Zeynep Şahin',
        'Imani Wekesa',
      ],
      { name: 'Informatica', budget_usd: '10.00', renewal: 'never' },
    ),
  ],
  lesson: {
    group: 'Klas 3A',
    key_name: 'Web design, lesson',
    budget_usd: '1.00',
    paces: [0.2, 0.5, 0, 1.4, 0.3, 0.1, 0.8, 0.4, 0.25, 0, 0.6, 0.35, 0.15, 0.45],
  },
}

/** A key like the others of their class, used more and less. */
function moreKeys(names: readonly string[], terms: Pick<DemoKey, 'name' | 'budget_usd' | 'renewal'>): DemoKey[] {
  return names.map((name, at) => studentKey(name, { ...terms, allocation: null, valid_days: 200, pace: (at % 4) / 5 }))
}

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

const BRIGHTWATER: DemoOrganisation = {
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

export const DEMO_ORGANISATIONS: readonly DemoOrganisation[] = [LINDENHOF, BRIGHTWATER]

/** Picodollars per token: a million of them is a dollar per million tokens. */
export const DEMO_MODELS = [
  {
    name: 'sandbox-small',
    output_tokens_max: 32_768,
    input_picos: '150000',
    cached_input_picos: '75000',
    output_picos: '600000',
  },
  {
    name: 'sandbox-large',
    output_tokens_max: 65_536,
    input_picos: '2500000',
    cached_input_picos: '1250000',
    output_picos: '10000000',
  },
  {
    name: 'sandbox-reasoning',
    output_tokens_max: 65_536,
    input_picos: '1100000',
    cached_input_picos: '550000',
    output_picos: '4400000',
  },
] as const

export const CONTEXT_TOKENS_MAX = 1_000_000
