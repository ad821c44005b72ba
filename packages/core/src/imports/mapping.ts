import type { z } from 'zod'
import type { MemberKind } from '../members/member.ts'

/** What a column can say of a person. */
export const FIELDS = [
  'name',
  'first_name',
  'infix',
  'last_name',
  'email',
  'kind',
  'location',
  'group',
  'external_id',
] as const
export type Field = (typeof FIELDS)[number]
/** Column numbers, from 0. */
export type Mapping = Partial<Record<Field, number | undefined>>

/** Usual headers, as `plain` leaves them: English, Dutch, German, French, and names that school systems export. */
const HEADERS: Record<Field, readonly string[]> = {
  name: [
    'name',
    'fullname',
    'displayname',
    'naam',
    'volledigenaam',
    'weergavenaam',
    'vollstandigername',
    'anzeigename',
    'nomcomplet',
    'nometprenom',
    'nomprenom',
    'leerling',
    'student',
    'medewerker',
    'employee',
    'schuler',
    'eleve',
    'mitarbeiter',
  ],
  first_name: ['firstname', 'givenname', 'forename', 'voornaam', 'roepnaam', 'vorname', 'rufname', 'prenom'],
  infix: [
    'infix',
    'middlename',
    'tussenvoegsel',
    'tussenvoegsels',
    'voorvoegsel',
    'voorvoegsels',
    'namenszusatz',
    'particule',
  ],
  last_name: [
    'lastname',
    'surname',
    'familyname',
    'achternaam',
    'familienaam',
    'nachname',
    'familienname',
    'nom',
    'nomdefamille',
  ],
  email: [
    'email',
    'mail',
    'emailaddress',
    'mailaddress',
    'emailadres',
    'mailadres',
    'emailadresse',
    'mailadresse',
    'adressemail',
    'adresseemail',
    'adresseelectronique',
    'courriel',
    'username',
    'userprincipalname',
    'upn',
    'gebruikersnaam',
    'benutzername',
    'login',
    'loginname',
    'schoolemail',
    'workemail',
    'werkemail',
  ],
  kind: [
    'kind',
    'type',
    'role',
    'rol',
    'rolle',
    'soort',
    'functie',
    'funktion',
    'fonction',
    'persoonstype',
    'art',
    'statut',
    'typedepersonne',
  ],
  location: [
    'location',
    'school',
    'schoolname',
    'office',
    'site',
    'campus',
    'branch',
    'locatie',
    'schoolnaam',
    'vestiging',
    'kantoor',
    'gebouw',
    'standort',
    'schule',
    'buro',
    'niederlassung',
    'etablissement',
    'ecole',
    'bureau',
    'lieu',
    'agence',
  ],
  group: [
    'group',
    'groups',
    'class',
    'classes',
    'classname',
    'section',
    'team',
    'teams',
    'department',
    'groep',
    'groepen',
    'klas',
    'klassen',
    'stamgroep',
    'stamklas',
    'afdeling',
    'gruppe',
    'gruppen',
    'klasse',
    'abteilung',
    'groupe',
    'groupes',
    'classe',
    'equipe',
    'departement',
    'service',
  ],
  external_id: [
    'externalid',
    'sisid',
    'sourcedid',
    'id',
    'studentnumber',
    'studentid',
    'employeeid',
    'employeenumber',
    'personid',
    'number',
    'leerlingnummer',
    'leerlingnr',
    'studentnummer',
    'personeelsnummer',
    'stamnummer',
    'nummer',
    'schulernummer',
    'personalnummer',
    'matrikelnummer',
    'numero',
    'matricule',
    'numeroeleve',
    'identifiant',
  ],
}

const FIELD_OF = new Map(FIELDS.flatMap((field) => HEADERS[field].map((header) => [header, field] as const)))

/** Letters and digits alone, without accents: `E-Mail-Adresse` and `Prénom` become `emailadresse` and `prenom`. */
export function plain(text: string): string {
  return text
    .normalize('NFD')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll(/[^a-z0-9]/g, '')
}

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/

/** Whether the first row names the columns: two of its cells are usual names, or one is where no cell of it is an address. */
export function looksLikeHeader(row: readonly string[]): boolean {
  const known = row.filter((cell) => FIELD_OF.has(plain(cell))).length
  return !row.some((cell) => ADDRESS.test(cell)) && known > 0
}

/** What the columns most likely are: by their headers; without headers by what stands in them. */
export function guessMapping(rows: readonly (readonly string[])[], hasHeader: boolean): Mapping {
  const mapping: Mapping = {}
  if (hasHeader) {
    for (const [column, cell] of (rows[0] ?? []).entries()) {
      const field = FIELD_OF.get(plain(cell))
      // An address column beats a user name that came first.
      const isBetter =
        field === 'email' &&
        mapping.email !== undefined &&
        isMostly(rows.slice(1), column, ADDRESS) &&
        !isMostly(rows.slice(1), mapping.email, ADDRESS)
      if (field !== undefined && (mapping[field] === undefined || isBetter)) mapping[field] = column
    }
    if (mapping.first_name !== undefined && mapping.last_name !== undefined && mapping.name !== undefined)
      delete mapping.name
    // "Naam" beside "Voornaam" is a family name.
    if (mapping.first_name !== undefined && mapping.last_name === undefined && mapping.name !== undefined) {
      mapping.last_name = mapping.name
      delete mapping.name
    }
    return mapping
  }
  const columns = rows[0]?.length ?? 0
  for (let column = 0; column < columns; column++) {
    if (mapping.email === undefined && isMostly(rows, column, ADDRESS)) mapping.email = column
  }
  const others = Array.from({ length: columns }, (_, column) => column).filter((column) => column !== mapping.email)
  const names = others.filter((column) => isMostly(rows, column, /^\p{L}[\p{L}\p{M} .,'’-]+$/u))
  if (names[0] !== undefined) mapping.name = names[0]
  const rest = others.filter((column) => column !== mapping.name)
  if (rest[0] !== undefined) mapping.group = rest[0]
  return mapping
}

function isMostly(rows: readonly (readonly string[])[], column: number, pattern: RegExp): boolean {
  const cells = rows.slice(0, 50).flatMap((row) => (row[column] ? [row[column]] : []))
  return cells.length > 0 && cells.filter((cell) => pattern.test(cell)).length * 2 > cells.length
}

type Kind = z.infer<typeof MemberKind>

const KINDS: Record<'student' | 'staff', readonly string[]> = {
  student: [
    'student',
    'students',
    'pupil',
    'pupils',
    'learner',
    'leerling',
    'leerlingen',
    'schuler',
    'schulerin',
    'schulerinnen',
    'eleve',
    'eleves',
    'etudiant',
    'etudiante',
    'l',
    's',
  ],
  staff: [
    'staff',
    'teacher',
    'teachers',
    'faculty',
    'professor',
    'lecturer',
    'aide',
    'administrator',
    'admin',
    'principal',
    'employee',
    'proctor',
    'counselor',
    'docent',
    'docenten',
    'leraar',
    'leerkracht',
    'medewerker',
    'personeel',
    'directeur',
    'lehrer',
    'lehrerin',
    'lehrkraft',
    'mitarbeiter',
    'mitarbeiterin',
    'personal',
    'enseignant',
    'enseignante',
    'professeur',
    'professeure',
    'employe',
    'employee',
    'personnel',
    'd',
    't',
  ],
}

/** What a word for a kind of person means, in many languages; null for one that isn't known. */
export function kindOf(word: string, tenantKind: 'school' | 'company'): Kind | null {
  if (tenantKind === 'company') return 'employee'
  const text = plain(word)
  if (KINDS.student.includes(text)) return 'student'
  return KINDS.staff.includes(text) ? 'staff' : null
}

/** Whether a role in a class is that of somebody who leads it. */
export function isTeaching(word: string): boolean {
  return [
    'teacher',
    'faculty',
    'professor',
    'lecturer',
    'docent',
    'leraar',
    'leerkracht',
    'lehrer',
    'enseignant',
  ].includes(plain(word))
}
