import { ActionIcon, Anchor, Badge, Box, Button, Group, Switch, Text } from '@mantine/core'
import type { MetaFunction } from '@remix-run/node'
import { Link, Outlet, useFetcher, useLoaderData } from '@remix-run/react'
import { IconArrowDown, IconArrowUp, IconPlus } from '@tabler/icons-react'
import { useEffect, useRef } from 'react'
import { draftOf, EXAMPLES, type Rule } from '../features/rules/rule.ts'
import classes from '../features/rules/rules.module.css'
import { TryIt } from '../features/rules/try-it.tsx'
import { inOneLine, inWords } from '../features/rules/words.ts'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader, text } from '../session.server.ts'
import { Empty } from '../ui/empty.tsx'
import { answerOf } from '../ui/form/act-form.tsx'
import { useNotify } from '../ui/notices.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'
import { rowLinkId } from '../ui/table/data-table.tsx'
import { counted } from '../words.ts'

export const meta: MetaFunction = () => [{ title: 'Rules – Stipend' }]

export const loader = tenantLoader(async ({ api }) => {
  const [rules, models] = await Promise.all([api.rules.list({}), api.models.list()])
  return { rules: rules.data, models: [...new Set(models.data.map((one) => one.name))] }
})

export const action = tenantAction(async ({ api }, form) => {
  const id = text(form, 'id')
  switch (text(form, 'intent')) {
    case 'try':
      // The operation checks all of it.
      return { trial: await api.rules.try(JSON.parse(text(form, 'sample'))) }
    case 'switch': {
      const { name, is_enabled } = await api.rules.update({ id, is_enabled: text(form, 'is_enabled') === 'true' })
      return { said: `“${name}” is ${is_enabled ? 'on' : 'off'}.` }
    }
    default: {
      const { data } = await api.rules.reorder({ ids: text(form, 'ids').split(',') })
      const moved = data.find((one) => one.id === id)
      return { said: moved === undefined ? 'Moved.' : `“${moved.name}” is ${moved.position} of ${data.length} now.` }
    }
  }
})

export default function Rules() {
  const { rules, models } = useLoaderData<typeof loader>()
  const { slug, may } = useTenant()
  const canWrite = may('rules:write')
  const fetcher = useFetcher<typeof action>()
  const notify = useNotify()
  const { refused, done } = answerOf<{ said?: string }>(fetcher.data as never)
  useEffect(() => {
    if (fetcher.state === 'idle' && done?.said !== undefined) notify({ message: done.said })
  }, [fetcher.state, fetcher.data])
  // A button that was moved along keeps the focus, so that a rule can be moved on.
  const focused = useRef<string | null>(null)
  useEffect(() => {
    const id = focused.current
    if (id === null || fetcher.state !== 'idle') return
    focused.current = null
    const button = document.getElementById(id) as HTMLButtonElement | null
    const other = id.startsWith('up-') ? id.replace('up-', 'down-') : id.replace('down-', 'up-')
    ;(button?.disabled === false ? button : document.getElementById(other))?.focus()
  }, [rules, fetcher.state])
  const move = (index: number, by: -1 | 1) => {
    const ids = rules.map((one) => one.id)
    const [id = ''] = ids.splice(index, 1)
    ids.splice(index + by, 0, id)
    focused.current = `${by === -1 ? 'up' : 'down'}-${id}`
    fetcher.submit({ intent: 'reorder', id, ids: ids.join(',') }, { method: 'post' })
  }
  return (
    <>
      <PageHeader
        title="Rules"
        sentence="Who may use which models, and when. They are asked from the top; the first that matches decides. Where none does, it is allowed."
        action={
          canWrite && (
            <Button component={Link} to={paths.newRule(slug)} id="new-rule" leftSection={<IconPlus size={16} />}>
              Add rule
            </Button>
          )
        }
      />
      <RefusalAlert of={refused} />
      {rules.length === 0 ? (
        <NoRules canWrite={canWrite} />
      ) : (
        <ol className={classes.list} aria-label="Rules, in the order they are asked">
          {rules.map((rule, index) => (
            <li key={rule.id} className={classes.rule}>
              <span className={classes.place}>{rule.position}</span>
              <RuleWords rule={rule} canWrite={canWrite} />
              <Text size="sm" c="dimmed" className={classes.count}>
                {rule.requests_7_days === 0 ? 'Not in 7 days' : `${counted(rule.requests_7_days, 'request')} in 7 days`}
              </Text>
              {canWrite && (
                <Group gap={6} wrap="nowrap">
                  <Switch
                    size="sm"
                    checked={rule.is_enabled}
                    aria-label={`${rule.name} is on`}
                    onChange={(event) =>
                      fetcher.submit(
                        { intent: 'switch', id: rule.id, is_enabled: String(event.currentTarget.checked) },
                        { method: 'post' },
                      )
                    }
                  />
                  <Move rule={rule} way="up" isDisabled={index === 0} onMove={() => move(index, -1)} />
                  <Move rule={rule} way="down" isDisabled={index === rules.length - 1} onMove={() => move(index, 1)} />
                </Group>
              )}
            </li>
          ))}
        </ol>
      )}
      {canWrite && rules.length > 0 && (
        <Box mt="xl" maw={460}>
          <TryIt models={models} />
        </Box>
      )}
      <Outlet />
    </>
  )
}

function RuleWords({ rule, canWrite }: { rule: Rule; canWrite: boolean }) {
  const { slug, words } = useTenant()
  const { who, what, when } = inWords(
    draftOf(rule),
    new Map(rule.names.map((one) => [one.id, one.name])),
    words,
    rule.hidden_count,
  )
  return (
    <div className={classes.words}>
      <Group gap={8}>
        {canWrite ? (
          <Anchor component={Link} to={paths.rule(slug, rule.id)} id={rowLinkId(rule.id)} fw={600} c="inherit">
            {rule.name}
          </Anchor>
        ) : (
          <Text fw={600}>{rule.name}</Text>
        )}
        {!rule.is_enabled && (
          <Badge variant="default" size="sm">
            Off
          </Badge>
        )}
      </Group>
      <Text size="sm">
        <Text span inherit fw={600} c={rule.effect === 'block' ? 'red' : 'teal'}>
          {rule.effect === 'block' ? 'Block' : 'Allow'}
        </Text>
        {` · ${who} · ${what} · ${when}`}
      </Text>
    </div>
  )
}

type MoveProps = { rule: Rule; way: 'up' | 'down'; isDisabled: boolean; onMove: () => void }

function Move({ rule, way, isDisabled, onMove }: MoveProps) {
  const Icon = way === 'up' ? IconArrowUp : IconArrowDown
  return (
    <ActionIcon
      id={`${way}-${rule.id}`}
      variant="subtle"
      color="gray"
      title={`Ask it ${way === 'up' ? 'earlier' : 'later'}`}
      aria-label={`Move ${rule.name} ${way}`}
      disabled={isDisabled}
      onClick={onMove}
    >
      <Icon size={17} />
    </ActionIcon>
  )
}

function NoRules({ canWrite }: { canWrite: boolean }) {
  const { slug, words } = useTenant()
  if (!canWrite) {
    return (
      <Empty kind="nothing_yet" title="No rules">
        Everybody may use what their keys allow, at any time.
      </Empty>
    )
  }
  return (
    <Empty
      kind="nothing_yet"
      title="No rules yet"
      action={
        <Group mt="xs" justify="center">
          {Object.entries(EXAMPLES).map(([name, example]) => (
            <Button
              key={name}
              component={Link}
              to={paths.newRule(slug, name)}
              variant="default"
              title={inOneLine(example, new Map(), words)}
            >
              {example.name}
            </Button>
          ))}
        </Group>
      }
    >
      Everybody may use what their keys allow, at any time. A rule blocks or allows some people, some models or some
      hours. Begin with one of these, and change it:
    </Empty>
  )
}
