import { Anchor, Box, Group, Text, UnstyledButton } from '@mantine/core'
import { useNavigation, useSearchParams } from '@remix-run/react'
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react'
import type { Caller } from '../../../backend.ts'
import { exactUsd, shortUsd } from '../../money.ts'
import { paths } from '../../paths.ts'
import { DataTable } from '../../ui/table/data-table.tsx'
import { searchOf, useTable } from '../../ui/table/use-table.ts'
import { counted } from '../../words.ts'
import type { useManyKeys } from '../keys/many-keys.tsx'
import { useTenant } from '../tenant.ts'
import classes from './group-section.module.css'
import { type ListedPerson, peopleColumns, personPath } from './people-columns.tsx'
import { PlaceActs } from './place-acts.tsx'

export type CodingGroup = Awaited<ReturnType<Caller['coding']['listGroups']>>['data'][number]
export type Section = {
  group: CodingGroup
  people: { data: ListedPerson[]; next_cursor: string | null } | null
}

/** How a class is called in the address: who is in none has a word of their own. */
export const sectionId = (group: Pick<CodingGroup, 'id'>) => group.id ?? 'none'

const COLUMNS = peopleColumns(null)

type Props = { section: Section; isOpen: boolean; onToggle: () => void; ask: ReturnType<typeof useManyKeys>['ask'] }

/** A class: folded, its name, how many it has and what they have used; unfolded, its people. */
export function GroupSection({ section: { group, people }, isOpen, onToggle, ask }: Props) {
  const { slug, words, may } = useTenant()
  const { set } = useTable()
  const [params] = useSearchParams()
  const name = group.name ?? `Without a ${words.group.toLowerCase()}`
  const id = `section-${sectionId(group)}`
  return (
    <section className={classes.section} aria-labelledby={`${id}-name`}>
      <Group className={classes.head} gap="xs">
        <h2 className={classes.title}>
          <UnstyledButton
            onClick={onToggle}
            aria-expanded={isOpen}
            aria-controls={id}
            className={classes.toggle}
            id={`${id}-name`}
          >
            {isOpen ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
            <span className={classes.name}>{name}</span>
            {group.location_name !== null && (
              <Text span c="dimmed" fw={400} size="sm" truncate>
                {group.location_name}
              </Text>
            )}
          </UnstyledButton>
        </h2>
        <Text size="sm" c="dimmed" className={classes.sum}>
          {counted(group.members_count, 'student')} · {counted(group.keys_count, 'key')}
          {group.keys_count > 0 && <Used of={group} />}
        </Text>
        {group.id !== null && may('keys:write') && (
          <PlaceActs
            name={name}
            keys={{ filter: { group_id: group.id } }}
            newKeysPath={paths.newGroupKeys(slug, group.id)}
            lessonPath={paths.lesson(slug, group.id)}
            ask={ask}
          />
        )}
      </Group>
      <Box id={id} hidden={!isOpen}>
        {isOpen &&
          (people !== null && people.data.length === 0 ? (
            <Text size="sm" c="dimmed" p="md">
              Nobody is in this {words.group.toLowerCase()}.
            </Text>
          ) : (
            <>
              <DataTable
                id="people"
                label={name}
                columns={COLUMNS}
                page={{ data: people?.data ?? [], next_cursor: null }}
                isBare
                isLoading={people === null}
                rowTo={(person) => personPath(slug, person, searchOf(params), may('keys:write'))}
                isFiltered={false}
                nothingYet={null}
              />
              {people !== null && people.next_cursor !== null && (
                <Group p="sm">
                  <Anchor component="button" type="button" size="sm" onClick={() => set({ group: sectionId(group) })}>
                    Show all {group.members_count.toLocaleString('en-US')}
                  </Anchor>
                </Group>
              )}
            </>
          ))}
      </Box>
    </section>
  )
}

function Used({ of: group }: { of: CodingGroup }) {
  const { spent_usd, limit_usd } = group
  return (
    <>
      {' · '}
      <data value={spent_usd} title={exactUsd(spent_usd)}>
        {shortUsd(spent_usd)}
      </data>
      {limit_usd === null ? ' used' : ` of ${shortUsd(limit_usd)}`}
    </>
  )
}

/** Which sections will be unfolded once the running navigation is through. */
export function useOpening(): string[] | null {
  const { location } = useNavigation()
  if (location === undefined) return null
  return new URLSearchParams(location.search).get('open')?.split(',') ?? null
}
