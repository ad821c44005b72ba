import { Group, MultiSelect, Select, Text, Textarea, TextInput } from '@mantine/core'
import { exactUsd } from '../../money.ts'
import { type Choices, linesOf, type ModelChoice, modelsOfProvider, type RestrictionsDraft } from './restrictions.ts'

type Props = {
  draft: RestrictionsDraft
  choices: Choices
  onChange: (changes: Partial<RestrictionsDraft>) => void
  errorOf: (...paths: string[]) => string | undefined
  /** Of several keys at once. */
  each?: boolean
}

export const RESTRICTION_FIELDS = ['allowed_models', 'allowed_ips', 'provider_id', 'requests_per_minute'] as const

const MODELS_SHOWN = 100

/** What a key may be used with: models, a provider, addresses. Each of them blank means: no restriction. */
export function RestrictionFields({ draft, choices, onChange, errorOf, each = false }: Props) {
  const offered = new Map(modelsOfProvider(choices, draft.provider_id).map((model) => [model.name, model]))
  // What is chosen stays a choice: an alias, or a model that is served no more.
  const names = [...new Set([...offered.keys(), ...draft.models])]
  const addresses = new Set(linesOf(draft.addresses).filter((line) => line !== ''))
  return (
    <>
      {draft.models.map((name) => (
        <input key={name} type="hidden" name="allowed_models" value={name} />
      ))}
      {[...addresses].map((address) => (
        <input key={address} type="hidden" name="allowed_ips" value={address} />
      ))}
      <input type="hidden" name="provider_id" value={draft.provider_id ?? ''} />
      <MultiSelect
        label="Models"
        description={`What ${each ? 'each' : 'this'} key may ask for. Blank: all.`}
        placeholder={draft.models.length === 0 ? 'All models' : ''}
        value={draft.models}
        onChange={(models) => onChange({ models })}
        data={names}
        renderOption={({ option }) => <ModelOption name={option.value} model={offered.get(option.value)} />}
        searchable
        clearable
        clearButtonProps={{ 'aria-label': 'Clear the models' }}
        hidePickedOptions
        limit={MODELS_SHOWN}
        maxDropdownHeight={280}
        nothingFoundMessage="No model of this name"
        error={errorOf('allowed_models')}
        comboboxProps={{ shadow: 'md' }}
      />
      {(choices.providers.length > 1 || draft.provider_id !== null) && (
        <Select
          label="Provider"
          description={`Links ${each ? 'each key' : 'the key'} to one provider. Blank: any that serves the model.`}
          placeholder="Any provider"
          value={draft.provider_id}
          onChange={(provider_id) => onChange({ provider_id })}
          data={choices.providers.map(({ id, name }) => ({ value: id, label: name }))}
          clearable
          clearButtonProps={{ 'aria-label': 'Clear the provider' }}
          searchable={choices.providers.length > 8}
          error={errorOf('provider_id')}
          comboboxProps={{ shadow: 'md' }}
        />
      )}
      <Textarea
        label="Addresses"
        description={`Where ${each ? 'each' : 'the'} key may be used from: an IPv4 or IPv6 address or a network (CIDR) per line. Blank: anywhere.`}
        placeholder={'192.0.2.7\n2001:db8::/32'}
        value={draft.addresses}
        onChange={(event) => onChange({ addresses: event.currentTarget.value })}
        error={errorOf('allowed_ips')}
        autosize
        minRows={2}
        maxRows={8}
        spellCheck={false}
        autoComplete="off"
        styles={{
          input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 'var(--mantine-font-size-xs)' },
          error: { whiteSpace: 'pre-line' },
        }}
      />
      <TextInput
        name="requests_per_minute"
        label="Requests per minute"
        description={`How many ${each ? 'each' : 'the'} key may make. Blank: any number.`}
        placeholder="Any number"
        inputMode="numeric"
        value={draft.requests_per_minute}
        onChange={(event) => onChange({ requests_per_minute: event.currentTarget.value })}
        error={errorOf('requests_per_minute')}
        w={180}
        autoComplete="off"
        styles={{ description: { whiteSpace: 'nowrap' } }}
      />
    </>
  )
}

function ModelOption({ name, model }: { name: string; model: ModelChoice | undefined }) {
  const offer = model?.offers[0]
  return (
    <Group justify="space-between" wrap="nowrap" gap="md" flex={1} miw={0}>
      <Text size="sm" truncate>
        {name}
      </Text>
      {offer !== undefined && (
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }} title="For a million tokens">
          {exactUsd(offer.input_usd_per_million)} in, {exactUsd(offer.output_usd_per_million)} out
        </Text>
      )}
    </Group>
  )
}
