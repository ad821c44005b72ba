import { counted } from '../../words.ts'

export type ActName = 'invite' | 'withdraw' | 'deactivate' | 'reactivate' | 'move' | 'remove'

export const ACTS = {
  invite: { verb: 'Invite', done: 'invited' },
  withdraw: { verb: 'Withdraw the invitation of', done: 'no longer invited' },
  deactivate: { verb: 'Deactivate', done: 'deactivated' },
  reactivate: { verb: 'Reactivate', done: 'reactivated' },
  move: { verb: 'Move', done: 'moved' },
  remove: { verb: 'Remove', done: 'removed' },
} as const satisfies Record<ActName, { verb: string; done: string }>

const REASONS: Record<string, string> = {
  yourself: 'that is you',
  has_role: 'they have a role, which only an owner can touch',
  last_owner: 'the last owner',
  already: 'nothing to change',
  has_account: 'they can sign in already',
  deactivated: 'they are deactivated',
  just_invited: 'a mail was sent a moment ago',
}

/** "2 left out: Ada (that is you), Bo (nothing to change)." */
export function leftOut(skipped: { name: string; reason: string }[], count: number): string | null {
  if (count === 0) return null
  const named = skipped.slice(0, 3).map((one) => `${one.name} (${REASONS[one.reason] ?? one.reason})`)
  const rest = count > named.length ? ` and ${counted(count - named.length, 'other')}` : ''
  return `${counted(count, 'person', 'people')} left out: ${named.join(', ')}${rest}.`
}

type Counts = { people: number; keys: number; groups: number; requests: number; accounts: number }

/** What an act does, said before it is done. */
export function consequences(act: ActName, counts: Counts, options: { history: 'keep' | 'anonymise' }): string[] {
  const people = counted(counts.people, 'person', 'people')
  const keys = counted(counts.keys, 'key')
  const requests = counted(counts.requests, 'request')
  switch (act) {
    case 'invite':
      return [
        `${people} ${counts.people === 1 ? 'gets' : 'get'} a mail with a link to choose a password. It works once, for 14 days.`,
      ]
    case 'withdraw':
      return ['The links they were sent stop working.']
    case 'deactivate':
      return [
        `${people} can’t sign in any more, until reactivated.`,
        ...(counts.keys > 0 ? [`${keys} ${counts.keys === 1 ? 'is' : 'are'} refused at once, and kept.`] : []),
      ]
    case 'reactivate':
      return [
        `${people} can sign in again.`,
        ...(counts.keys > 0 ? [`${keys} ${counts.keys === 1 ? 'works' : 'work'} again.`] : []),
      ]
    case 'move':
      return [
        `${people} ${counts.people === 1 ? 'moves' : 'move'}. Keys stay as they are.`,
        ...(counts.groups > 0 ? [`${counted(counts.groups, 'membership')} of groups at the old place end.`] : []),
      ]
    case 'remove':
      return [
        `${people} ${counts.people === 1 ? 'leaves' : 'leave'} every list, and can’t sign in any more. This can’t be undone.`,
        ...(counts.keys > 0 ? [`${keys} ${counts.keys === 1 ? 'is' : 'are'} revoked for good.`] : []),
        options.history === 'keep'
          ? `What they used (${requests}) stays in the books under their name.`
          : `What they used (${requests}) stays in the books under no name. The audit log keeps what it recorded.`,
      ]
  }
}
