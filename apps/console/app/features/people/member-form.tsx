import { Group, MultiSelect, Select, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { Refusal } from '../../session.server.ts'
import { errorAt } from '../../ui/form/act-form.tsx'
import { ChoiceChips } from '../../ui/form/choice-chips.tsx'
import { useTenant } from '../tenant.ts'
import type { Member } from './people-columns.tsx'
import { ROLES } from './people-query.ts'

export type Places = {
  locations: { id: string; name: string }[]
  groups: { id: string; name: string; location_id: string; location_name: string }[]
}

export const MEMBER_FIELDS = new Set([
  'name',
  'email',
  'kind',
  'role',
  'location_id',
  'group_ids',
  'scope_location_ids',
  'external_id',
])

/** The fields of a person, for a new one and for one who is there. */
export function MemberFields({
  of,
  places,
  refused,
}: {
  of: Partial<Member>
  places: Places
  refused: Refusal['error'] | null
}) {
  const { kind: tenantKind, words, role: ownRole } = useTenant()
  const [kind, setKind] = useState(of.kind ?? (tenantKind === 'company' ? 'employee' : 'student'))
  const [role, setRole] = useState(of.role ?? 'member')
  const [locationId, setLocationId] = useState(of.location_id ?? null)
  const [groupIds, setGroupIds] = useState((of.groups ?? []).map((one) => one.id))
  const mayGiveRoles = ownRole === 'owner'
  const canBeConfined = role === 'admin' || role === 'auditor'
  const isElsewhere = places.groups.some((one) => one.location_id !== locationId)
  return (
    <Stack gap="md">
      <TextInput
        name="name"
        label="Name"
        defaultValue={of.name ?? ''}
        required
        withAsterisk={false}
        autoComplete="off"
        error={errorAt(refused, 'name')}
        data-autofocus
      />
      <TextInput
        name="email"
        type="email"
        label="E-mail address"
        description={
          of.account === 'linked'
            ? 'Where mail goes. Signing in stays with the address the account was made with.'
            : 'The invitation goes there.'
        }
        defaultValue={of.email ?? ''}
        required
        withAsterisk={false}
        autoComplete="off"
        error={errorAt(refused, 'email')}
      />
      {tenantKind === 'school' && (
        <>
          <input type="hidden" name="kind" value={kind} />
          <ChoiceChips
            label="Kind"
            value={kind}
            onChange={setKind}
            options={[
              { value: 'student', label: 'Student' },
              { value: 'staff', label: 'Staff' },
            ]}
            error={errorAt(refused, 'kind')}
          />
        </>
      )}
      <Group grow align="flex-start">
        <Select
          name="location_id"
          label={words.location}
          placeholder="None"
          data={places.locations.map(({ id, name }) => ({ value: id, label: name }))}
          value={locationId}
          onChange={(value) => {
            setLocationId(value)
            setGroupIds((before) =>
              before.filter((id) => places.groups.find((one) => one.id === id)?.location_id === value),
            )
          }}
          clearable
          searchable={places.locations.length > 8}
          error={errorAt(refused, 'location_id')}
          clearButtonProps={{ 'aria-label': `Clear the ${words.location.toLowerCase()}` }}
        />
      </Group>
      <MultiSelect
        name="group_ids"
        label={words.groups}
        placeholder={groupIds.length === 0 ? 'None' : ''}
        data={places.groups
          .filter((one) => locationId === null || one.location_id === locationId || groupIds.includes(one.id))
          .map((one) => ({
            value: one.id,
            label: isElsewhere && locationId === null ? `${one.name}, ${one.location_name}` : one.name,
          }))}
        value={groupIds}
        onChange={setGroupIds}
        searchable
        nothingFoundMessage={`No ${words.group.toLowerCase()} of this name`}
        error={errorAt(refused, 'group_ids')}
      />
      {mayGiveRoles && (
        <>
          <Select
            name="role"
            label="Role"
            description={ROLE_HELP[role]}
            data={Object.entries(ROLES).map(([value, label]) => ({ value, label }))}
            value={role}
            onChange={(value) => setRole((value ?? 'member') as typeof role)}
            allowDeselect={false}
            error={errorAt(refused, 'role')}
          />
          {canBeConfined && (
            <MultiSelect
              name="scope_location_ids"
              label={`Only for these ${words.locations.toLowerCase()}`}
              description="None chosen: the whole organisation."
              data={places.locations.map(({ id, name }) => ({ value: id, label: name }))}
              defaultValue={of.scope_location_ids ?? []}
              searchable
              error={errorAt(refused, 'scope_location_ids')}
            />
          )}
        </>
      )}
      <TextInput
        name="external_id"
        label="External id"
        description="Their number in the system you import from. Optional."
        defaultValue={of.external_id ?? ''}
        autoComplete="off"
        error={errorAt(refused, 'external_id')}
      />
    </Stack>
  )
}

const ROLE_HELP = {
  owner: 'May do everything, and give roles.',
  admin: 'Looks after people, keys and settings.',
  auditor: 'Reads everything, changes nothing.',
  billing: 'Looks after the balance and invoices, and sees nothing of people.',
  member: 'Uses their own keys. Who leads a group looks after its keys.',
} as const
