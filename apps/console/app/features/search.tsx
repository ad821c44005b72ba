import { Combobox, Group, Kbd, Loader, Modal, Text, TextInput, UnstyledButton, useCombobox } from '@mantine/core'
import { useDebouncedValue, useDisclosure, useHotkeys } from '@mantine/hooks'
import { useNavigate } from '@remix-run/react'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { paths } from '../paths.ts'
import { trpcFor } from '../trpc-client.ts'
import classes from './frame.module.css'
import { useTenant } from './tenant.ts'

type Hit = { to: string; title: string; detail: string }
type Section = { label: string; hits: Hit[] }

/** Finds anything by name or id, from anywhere: opened with a slash. */
export function SearchEverything() {
  const [isOpen, { open, close }] = useDisclosure(false)
  useHotkeys([['/', open]])
  return (
    <>
      <UnstyledButton onClick={open} className={classes.search} aria-label="Search everything">
        <IconSearch size={15} stroke={1.6} />
        <Text size="sm" c="dimmed" flex={1} visibleFrom="sm">
          Search
        </Text>
        <Kbd size="xs" visibleFrom="sm" aria-hidden>
          /
        </Kbd>
      </UnstyledButton>
      <Modal
        opened={isOpen}
        onClose={close}
        withCloseButton={false}
        padding={0}
        size="lg"
        yOffset="12vh"
        centered={false}
        title="Search everything"
        classNames={{ header: classes.hidden ?? '' }}
      >
        {isOpen && <Finder onDone={close} />}
      </Modal>
    </>
  )
}

function Finder({ onDone }: { onDone: () => void }) {
  const { slug, words } = useTenant()
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [asked] = useDebouncedValue(text.trim(), 180)
  const combobox = useCombobox({ opened: true })
  const { data, isFetching, error } = useQuery({
    queryKey: ['search.all', slug, asked],
    queryFn: () => trpcFor(slug).search.all.query({ text: asked }),
    enabled: asked.length >= 2,
    retry: false,
    placeholderData: (before) => before,
  })
  const sections: Section[] =
    data === undefined || asked.length < 2
      ? []
      : [
          {
            label: 'People',
            hits: data.members.map((one) => ({ to: paths.person(slug, one.id), title: one.name, detail: one.email })),
          },
          {
            label: 'Keys',
            hits: data.keys.map((one) => ({
              to: paths.listedKey(slug, one.id),
              title: `${one.name} of ${one.member_name}`,
              detail: one.is_revoked ? `${one.masked}, revoked` : one.masked,
            })),
          },
          {
            label: words.groups,
            hits: data.groups.map((one) => ({
              to: paths.coding(slug, `?group=${one.id}`),
              title: one.name,
              detail: one.location_name,
            })),
          },
          {
            label: 'Requests',
            hits: data.requests.map((one) => ({
              to: paths.request(slug, one.id),
              title: `${one.model}, ${one.member_name}`,
              detail: one.id,
            })),
          },
        ].filter((section) => section.hits.length > 0)
  return (
    <Combobox
      store={combobox}
      onOptionSubmit={(to) => {
        onDone()
        navigate(to)
      }}
    >
      <Combobox.EventsTarget>
        <TextInput
          size="md"
          variant="unstyled"
          className={classes.finder}
          placeholder={`People, keys by name or last four, ${words.groups.toLowerCase()}, request ids`}
          aria-label="Search everything"
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value)
            combobox.resetSelectedOption()
          }}
          leftSection={isFetching ? <Loader size={14} /> : <IconSearch size={17} stroke={1.6} />}
          data-autofocus
          autoComplete="off"
        />
      </Combobox.EventsTarget>
      <Combobox.Options mah="50vh" className={classes.found}>
        {sections.map((section) => (
          <Combobox.Group key={section.label} label={section.label}>
            {section.hits.map((hit) => (
              <Combobox.Option key={hit.to} value={hit.to}>
                <Group justify="space-between" wrap="nowrap" gap="md">
                  <Text size="sm" truncate>
                    {hit.title}
                  </Text>
                  <Text size="xs" c="dimmed" truncate>
                    {hit.detail}
                  </Text>
                </Group>
              </Combobox.Option>
            ))}
          </Combobox.Group>
        ))}
        {asked.length >= 2 && data !== undefined && sections.length === 0 && (
          <Combobox.Empty>{error === null ? 'Nothing of this name or id.' : error.message}</Combobox.Empty>
        )}
      </Combobox.Options>
    </Combobox>
  )
}
