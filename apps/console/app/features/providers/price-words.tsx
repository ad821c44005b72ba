import { Text } from '@mantine/core'
import { exactUsd } from '../../money.ts'
import type { Price } from './provider.ts'

/** "$2.50 in, $10.00 out", for a million tokens each; the rest on hover. */
export function PriceWords({ of: price }: { of: Price | null }) {
  if (price === null)
    return (
      <Text component="span" size="sm">
        No price
      </Text>
    )
  return (
    <Text component="span" size="sm" title={details(price)} style={{ whiteSpace: 'nowrap' }}>
      {exactUsd(price.input_usd_per_million)} in, {exactUsd(price.output_usd_per_million)} out
      {price.tiers.length > 0 && ', more if long'}
    </Text>
  )
}

const KINDS = [
  ['input_usd_per_million', 'Input'],
  ['cached_input_usd_per_million', 'Cached input'],
  ['cache_write_usd_per_million', 'Written to the cache for 5 minutes'],
  ['cache_write_1h_usd_per_million', 'Written to the cache for an hour'],
  ['output_usd_per_million', 'Output'],
] as const

function details(price: Price): string {
  const lines = (rates: Omit<Price, 'tiers'>) =>
    KINDS.flatMap(([name, label]) => {
      const usd = rates[name]
      return usd === null ? [] : [`${label}: ${exactUsd(usd)}`]
    })
  const tiers = price.tiers.flatMap((tier) => [
    `Above ${tier.above_input_tokens.toLocaleString('en-US')} tokens of input:`,
    ...lines(tier),
  ])
  return ['US dollars per million tokens', ...lines(price), ...tiers].join('\n')
}
