import { exactUsd, shortUsd } from '../money.ts'

/** Two decimals, every digit on hover. */
export function Amount({ usd }: { usd: string }) {
  return (
    <data value={usd} title={exactUsd(usd)}>
      {shortUsd(usd)}
    </data>
  )
}
