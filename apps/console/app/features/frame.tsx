import {
  ActionIcon,
  AppShell,
  Avatar,
  Box,
  Burger,
  Button,
  Divider,
  Drawer,
  Group,
  Menu,
  NavLink,
  ScrollArea,
  Stack,
  Text,
  UnstyledButton,
  useMantineColorScheme,
  VisuallyHidden,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link, NavLink as RouterLink, useLocation, useSearchParams, useSubmit } from '@remix-run/react'
import {
  IconChartBar,
  IconCheck,
  IconCode,
  IconCreditCard,
  IconKey,
  IconLayoutDashboard,
  IconListCheck,
  IconLogout,
  IconMapPin,
  IconMoon,
  IconPlugConnected,
  IconSelector,
  IconServer2,
  IconSettings,
  IconSun,
  IconTerminal2,
  IconUserCircle,
  IconUsers,
  IconUsersGroup,
} from '@tabler/icons-react'
import { type ReactNode, useEffect } from 'react'
import { paths } from '../paths.ts'
import classes from './frame.module.css'
import { isScoped, ScopePicker } from './scope-picker.tsx'
import { SearchEverything } from './search.tsx'
import { useTenant } from './tenant.ts'

/** What stands around every page of a tenant: its name, where one can go, who one is. */
export function Frame({ children }: { children: ReactNode }) {
  const [isOpen, { open, close }] = useDisclosure(false)
  const { pathname } = useLocation()
  const { tenant_name, may } = useTenant()
  useEffect(close, [pathname, close])
  return (
    <AppShell
      layout="alt"
      header={{ height: 52 }}
      navbar={{ width: 236, breakpoint: 'sm', collapsed: { mobile: true } }}
      padding={0}
    >
      <a href="#content" className="skip-link">
        Skip to the content
      </a>
      {/* A dialog's own header would make two banners of it. */}
      <AppShell.Header className={classes.header} role="none">
        <Group
          component="section"
          aria-label="Place and search"
          h="100%"
          px={{ base: 'md', sm: 'xl' }}
          gap="sm"
          wrap="nowrap"
          justify="space-between"
        >
          <Group gap="sm" wrap="nowrap" miw={0}>
            <Burger opened={isOpen} onClick={open} size="sm" aria-label="Open the menu" hiddenFrom="sm" />
            <Text fw={600} truncate hiddenFrom="sm">
              {tenant_name}
            </Text>
            <ScopePicker />
          </Group>
          {may('keys:read') && <SearchEverything />}
        </Group>
      </AppShell.Header>
      <AppShell.Navbar visibleFrom="sm" className={classes.navbar} aria-label="Main">
        <Navigation />
      </AppShell.Navbar>
      <Drawer.Root opened={isOpen} onClose={close} position="left" size={276} padding={0}>
        <Drawer.Overlay />
        <Drawer.Content aria-label="Menu" className={classes.navbar}>
          <nav aria-label="Main" className={classes.drawer}>
            <Navigation onClose={close} />
          </nav>
        </Drawer.Content>
      </Drawer.Root>
      <AppShell.Main id="content" tabIndex={-1} className={classes.main}>
        <Box className={classes.page}>{children}</Box>
      </AppShell.Main>
    </AppShell>
  )
}

function Navigation({ onClose }: { onClose?: () => void }) {
  const { slug, may, words, role } = useTenant()
  // Whoever leads a class has it on Coding.
  const seesPeople = may('members:read') && role !== 'member'
  const own = [
    { to: paths.myKeys(slug), label: 'My keys', icon: IconUserCircle },
    { to: paths.connect(slug), label: 'Connect tools', icon: IconPlugConnected },
  ]
  return (
    <Stack h="100%" gap={0} p="sm">
      <Group wrap="nowrap" gap={4} mb="md">
        <TenantName />
        {onClose !== undefined && (
          <Button variant="subtle" size="compact-sm" onClick={onClose}>
            Close
          </Button>
        )}
      </Group>
      <ScrollArea style={{ flex: 1 }} type="never">
        <Stack gap={2}>
          {may('usage:read') && <Entry to={paths.overview(slug)} label="Overview" icon={IconLayoutDashboard} end />}
          {may('keys:read') && <Entry to={paths.coding(slug)} label="Coding" icon={IconCode} />}
          {may('keys:read') && <Entry to={paths.keys(slug)} label="Keys" icon={IconKey} />}
          {may('usage:read') && <Entry to={paths.usage(slug)} label="Usage" icon={IconChartBar} />}
          {may('providers:read') && <Entry to={paths.providers(slug)} label="Providers" icon={IconServer2} />}
          {may('rules:read') && <Entry to={paths.rules(slug)} label="Rules" icon={IconListCheck} />}
          {seesPeople && <Entry to={paths.members(slug)} label={words.people} icon={IconUsers} />}
          {seesPeople && <Entry to={paths.locations(slug)} label={words.locations} icon={IconMapPin} />}
          {seesPeople && <Entry to={paths.groups(slug)} label={words.groups} icon={IconUsersGroup} />}
          {may('billing:read') && <Entry to={paths.billing(slug)} label="Billing" icon={IconCreditCard} />}
          {may('tenant:write') && <Entry to={paths.settings(slug)} label="Settings" icon={IconSettings} />}
          {may('service_tokens:read') && <Entry to={paths.tokens(slug)} label="API" icon={IconTerminal2} />}
          {may('usage:read') && <Divider my={6} className={classes.line} />}
          {own.map((entry) => (
            <Entry key={entry.to} {...entry} />
          ))}
        </Stack>
      </ScrollArea>
      <UserMenu />
    </Stack>
  )
}

function Entry({
  to,
  label,
  icon: Icon,
  end = false,
}: {
  to: string
  label: string
  icon: typeof IconKey
  end?: boolean
}) {
  const { pathname } = useLocation()
  const [params] = useSearchParams()
  const location = isScoped(to) ? params.get('location') : null
  const isHere = end ? pathname === to : pathname === to || pathname.startsWith(`${to}/`)
  return (
    <NavLink
      component={RouterLink}
      to={location === null ? to : `${to}?${new URLSearchParams({ location })}`}
      end={end}
      prefetch="intent"
      active={isHere}
      label={label}
      leftSection={<Icon size={18} stroke={1.6} />}
      className={classes.entry}
      color="gray"
    />
  )
}

function TenantName() {
  const { tenant_name, tenants, slug } = useTenant()
  const name = (
    <Group gap="xs" wrap="nowrap" className={classes.tenant}>
      <Avatar
        size={28}
        radius="sm"
        variant="filled"
        color="var(--mantine-primary-color-filled)"
        name={tenant_name}
        aria-hidden
      />
      <Text fw={600} size="md" truncate flex={1} ta="left">
        {tenant_name}
      </Text>
      {tenants.length > 1 && (
        <>
          <VisuallyHidden>Change organisation</VisuallyHidden>
          <IconSelector size={16} stroke={1.6} />
        </>
      )}
    </Group>
  )
  if (tenants.length < 2) return name
  return (
    <Menu position="bottom-start" width={230} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.target} flex={1} miw={0}>
          {name}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {tenants.map((tenant) => (
          <Menu.Item
            key={tenant.slug}
            component={Link}
            to={paths.overview(tenant.slug)}
            rightSection={tenant.slug === slug ? <IconCheck size={16} /> : null}
          >
            {tenant.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

const ROLE_WORDS = {
  owner: 'Owner',
  admin: 'Administrator',
  auditor: 'Auditor',
  billing: 'Billing',
  member: 'Member',
} as const

function UserMenu() {
  const { member_name, email, role } = useTenant()
  const { toggleColorScheme } = useMantineColorScheme()
  const submit = useSubmit()
  return (
    <Group wrap="nowrap" gap={4} pt="sm" className={classes.user}>
      <Menu position="top-start" width={230} shadow="md">
        <Menu.Target>
          <UnstyledButton className={classes.target} flex={1} miw={0}>
            <Group gap="xs" wrap="nowrap">
              <Avatar size={28} radius="xl" color="gray" name={member_name} aria-hidden />
              <Box miw={0} flex={1}>
                <Text size="sm" fw={500} truncate lh={1.3}>
                  {member_name}
                </Text>
                <Text size="xs" c="dimmed" truncate lh={1.3}>
                  {ROLE_WORDS[role]}
                  <VisuallyHidden>, your account</VisuallyHidden>
                </Text>
              </Box>
            </Group>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{email}</Menu.Label>
          <Menu.Item
            leftSection={<IconLogout size={16} />}
            onClick={() => submit(null, { method: 'post', action: paths.logout() })}
          >
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        onClick={toggleColorScheme}
        aria-label="Switch between light and dark"
      >
        <Box component="span" lightHidden lh={0}>
          <IconSun size={18} stroke={1.6} />
        </Box>
        <Box component="span" darkHidden lh={0}>
          <IconMoon size={18} stroke={1.6} />
        </Box>
      </ActionIcon>
    </Group>
  )
}
