import { Drawer, Text } from '@mantine/core'
import { useNavigate } from '@remix-run/react'
import { type ReactNode, useEffect } from 'react'

type Props = {
  title: ReactNode
  /** Under the title, in grey. */
  sentence?: ReactNode
  /** Where closing it leads: the page behind it. */
  closeTo: string
  /** The id of what opened it, which has the focus again afterwards. */
  openedBy?: string
  children: ReactNode
}

/** A panel beside a list, with an address of its own. */
export function SidePanel({ title, sentence, closeTo, openedBy, children }: Props) {
  const navigate = useNavigate()
  useEffect(
    () => () => {
      if (openedBy !== undefined) setTimeout(() => document.getElementById(openedBy)?.focus({ preventScroll: true }))
    },
    [openedBy],
  )
  return (
    <Drawer
      opened
      onClose={() => navigate(closeTo, { preventScrollReset: true })}
      title={
        <>
          <Text component="span" fw={600} size="lg" display="block">
            {title}
          </Text>
          {sentence !== undefined && (
            <Text component="span" size="sm" c="dimmed" display="block">
              {sentence}
            </Text>
          )}
        </>
      }
      closeButtonProps={{ 'aria-label': 'Close' }}
      padding="lg"
    >
      {children}
    </Drawer>
  )
}
