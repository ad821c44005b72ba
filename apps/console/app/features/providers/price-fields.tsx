import { ActionIcon, Button, Checkbox, Fieldset, Group, NumberInput, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import type { Price } from './provider.ts'

const KINDS = [
  ['input_usd_per_million', 'Input', true],
  ['output_usd_per_million', 'Output', true],
  ['cached_input_usd_per_million', 'Cached input', false],
  ['cache_write_usd_per_million', 'Into the cache, 5 min', false],
  ['cache_write_1h_usd_per_million', 'Into the cache, 1 h', false],
] as const

type Rates = { [Name in (typeof KINDS)[number][0]]: string }
export type PriceDraft = Rates & { tiers: (Rates & { above: string })[]; is_free: boolean }

const EMPTY: Rates = {
  input_usd_per_million: '',
  output_usd_per_million: '',
  cached_input_usd_per_million: '',
  cache_write_usd_per_million: '',
  cache_write_1h_usd_per_million: '',
}

export function draftOf(price: Price | null): PriceDraft {
  if (price === null) return { ...EMPTY, tiers: [], is_free: false }
  const rates = (from: Omit<Price, 'tiers'>): Rates => ({
    input_usd_per_million: from.input_usd_per_million,
    output_usd_per_million: from.output_usd_per_million,
    cached_input_usd_per_million: from.cached_input_usd_per_million ?? '',
    cache_write_usd_per_million: from.cache_write_usd_per_million ?? '',
    cache_write_1h_usd_per_million: from.cache_write_1h_usd_per_million ?? '',
  })
  const tiers = price.tiers.map((tier) => ({ above: String(tier.above_input_tokens), ...rates(tier) }))
  const is_free = /^[0.]*$/.test(price.input_usd_per_million + price.output_usd_per_million)
  return { ...rates(price), tiers, is_free }
}

/** As the operation takes it; null where nothing was typed. */
export function priceOf(draft: PriceDraft) {
  const rates = (from: Rates) => ({
    input_usd_per_million: from.input_usd_per_million.trim(),
    output_usd_per_million: from.output_usd_per_million.trim(),
    cached_input_usd_per_million: from.cached_input_usd_per_million.trim() || null,
    cache_write_usd_per_million: from.cache_write_usd_per_million.trim() || null,
    cache_write_1h_usd_per_million: from.cache_write_1h_usd_per_million.trim() || null,
  })
  const base = rates(draft)
  if (Object.values(base).every((text) => text === null || text === '') && draft.tiers.length === 0) return null
  const tiers = draft.tiers.map((tier) => ({ above_input_tokens: Number(tier.above), ...rates(tier) }))
  return { ...base, tiers, is_free: draft.is_free }
}

type Props = { value: PriceDraft; onChange: (value: PriceDraft) => void; errorAt: (path: string) => string | undefined }

/** What a model costs per million tokens, for each kind of them, and for long requests. */
export function PriceFields({ value, onChange, errorAt }: Props) {
  const tiers = (changed: PriceDraft['tiers']) => onChange({ ...value, tiers: changed })
  return (
    <Stack gap="md">
      <Fieldset legend="US dollars per million tokens">
        <RateFields value={value} onChange={(rates) => onChange({ ...value, ...rates })} errorAt={errorAt} />
      </Fieldset>
      {value.tiers.map((tier, nth) => (
        <Fieldset key={nth} legend="Long requests">
          <Stack gap="sm">
            <Group align="flex-end" wrap="nowrap">
              <NumberInput
                label="With more input tokens than"
                value={tier.above}
                onChange={(above) =>
                  tiers(value.tiers.map((one, at) => (at === nth ? { ...one, above: String(above) } : one)))
                }
                min={1}
                allowDecimal={false}
                thousandSeparator=","
                error={errorAt(`tiers.${nth}.above_input_tokens`)}
                flex={1}
              />
              <ActionIcon
                variant="subtle"
                color="red"
                size="lg"
                aria-label="Remove these prices"
                onClick={() => tiers(value.tiers.filter((_, at) => at !== nth))}
              >
                <IconTrash size={18} stroke={1.6} />
              </ActionIcon>
            </Group>
            <RateFields
              value={tier}
              onChange={(rates) => tiers(value.tiers.map((one, at) => (at === nth ? { ...one, ...rates } : one)))}
              errorAt={(path) => errorAt(`tiers.${nth}.${path}`)}
            />
          </Stack>
        </Fieldset>
      ))}
      <Group justify="space-between">
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconPlus size={14} />}
          onClick={() => tiers([...value.tiers, { above: '200000', ...EMPTY }])}
        >
          Other prices for long requests
        </Button>
        <Checkbox
          size="sm"
          label="It costs nothing"
          checked={value.is_free}
          onChange={(event) => {
            const is_free = event.currentTarget.checked
            const rates = is_free
              ? { ...EMPTY, input_usd_per_million: '0', output_usd_per_million: '0', tiers: [] }
              : {}
            onChange({ ...value, ...rates, is_free })
          }}
          error={errorAt('is_free')}
        />
      </Group>
    </Stack>
  )
}

function RateFields(props: { value: Rates; onChange: (rates: Partial<Rates>) => void; errorAt: Props['errorAt'] }) {
  return (
    <SimpleGrid cols={2} spacing="sm">
      {KINDS.map(([name, label, isNeeded]) => (
        <TextInput
          key={name}
          label={label}
          value={props.value[name]}
          placeholder={isNeeded ? '' : name === 'cache_write_1h_usd_per_million' ? 'as 5 min' : 'as input'}
          onChange={(event) => props.onChange({ [name]: event.currentTarget.value })}
          inputMode="decimal"
          autoComplete="off"
          leftSection="$"
          error={props.errorAt(name)}
        />
      ))}
    </SimpleGrid>
  )
}
