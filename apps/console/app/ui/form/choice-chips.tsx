import { Chip, Group, Input } from '@mantine/core'
import type { ReactNode } from 'react'

type Props<Value extends string> = {
  label: string
  /** One line of help. */
  description?: string
  value: Value
  onChange: (value: Value) => void
  options: readonly { value: Value; label: string }[]
  error?: ReactNode
  /** Has the focus when its dialog opens. */
  isFirst?: boolean
}

/** Quick choices, before free input: one of a few, each a click away. The free input itself goes below, once "Other" is chosen. */
export function ChoiceChips<Value extends string>(props: Props<Value>) {
  const { label, description, value, onChange, options, error, isFirst = false } = props
  return (
    <Input.Wrapper label={label} labelElement="div" description={description} error={error}>
      <Chip.Group value={value} onChange={(chosen) => onChange(String(chosen) as Value)}>
        <Group gap={6} mt={8} mb={error === undefined ? 0 : 6} role="radiogroup" aria-label={label}>
          {options.map((option) => (
            <Chip
              key={option.value}
              value={option.value}
              size="sm"
              radius="sm"
              data-autofocus={(isFirst && option.value === value) || undefined}
            >
              {option.label}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  )
}
