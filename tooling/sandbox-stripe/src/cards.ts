/** What a card does. The numbers are those of Stripe's test mode. */
export type CardBehaviour =
  | 'succeeds'
  | 'declined'
  | 'insufficient_funds'
  /** Wants its owner to confirm every payment; one without its owner there fails. */
  | 'authenticates'
  /** Can be saved, and is declined when it is charged later. */
  | 'declined_later'
  /** Succeeds, and its owner disputes it afterwards. */
  | 'disputed'

export type Card = { number: string; brand: string; behaviour: CardBehaviour; says: string }

export const CARDS: readonly Card[] = [
  { number: '4242424242424242', brand: 'visa', behaviour: 'succeeds', says: 'Succeeds' },
  { number: '4000000000000002', brand: 'visa', behaviour: 'declined', says: 'Is declined' },
  { number: '4000000000009995', brand: 'visa', behaviour: 'insufficient_funds', says: 'Has no money' },
  { number: '4000002760003184', brand: 'visa', behaviour: 'authenticates', says: 'Wants to be confirmed' },
  { number: '4000000000000341', brand: 'visa', behaviour: 'declined_later', says: 'Works now, is declined later' },
  { number: '4000000000000259', brand: 'visa', behaviour: 'disputed', says: 'Is disputed afterwards' },
  { number: '5555555555554444', brand: 'mastercard', behaviour: 'succeeds', says: 'Succeeds' },
]

export function findCard(number: string): Card | undefined {
  const digits = number.replaceAll(/\D/g, '')
  return CARDS.find((card) => card.number === digits)
}

export type Decline = { code: string; decline_code: string | null; message: string }

const DECLINED: Decline = { code: 'card_declined', decline_code: 'generic_decline', message: 'Your card was declined.' }

/** Why a charge of this card fails, or null. */
export function declineOf(behaviour: CardBehaviour, { off_session }: { off_session: boolean }): Decline | null {
  switch (behaviour) {
    case 'declined':
      return DECLINED
    case 'insufficient_funds':
      return {
        code: 'card_declined',
        decline_code: 'insufficient_funds',
        message: 'Your card has insufficient funds.',
      }
    case 'declined_later':
      return off_session ? DECLINED : null
    case 'authenticates':
      return off_session
        ? {
            code: 'authentication_required',
            decline_code: 'authentication_required',
            message: 'Your card was declined. This transaction requires authentication.',
          }
        : null
    default:
      return null
  }
}
