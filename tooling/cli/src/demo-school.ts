import { addressOf, type DemoKey, type DemoOrganisation, type DemoPerson, type Role } from './demo-organisation.ts'

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

export const LINDENHOF: DemoOrganisation = {
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
