import { CARDS } from './cards.ts'
import type { CheckoutSession, PaymentIntent } from './store.ts'

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const money = (amount: number, currency: string) =>
  new Intl.NumberFormat('en-US', { style: 'currency', currency: currency.toUpperCase() }).format(amount / 100)

const STYLE = `
  :root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
  body { max-width: 26rem; margin: 3rem auto; padding: 0 1rem }
  h1 { font-size: 1.1rem; font-weight: 500; margin: 0 }
  .amount { font-size: 2.2rem; font-weight: 600; margin: 0 0 1.5rem }
  .note { background: #fff3d6; color: #533f03; padding: .5rem .75rem; border-radius: .5rem; font-size: .85rem }
  .error { background: #fde7e9; color: #7a1020; padding: .5rem .75rem; border-radius: .5rem }
  label { display: block; margin: 1rem 0 .25rem; font-size: .9rem }
  input, button, select { font: inherit; width: 100%; box-sizing: border-box; padding: .6rem .75rem; border-radius: .5rem; border: 1px solid #8888 }
  button { margin-top: .75rem; cursor: pointer }
  button.main { background: #1f6feb; color: #fff; border: 0; font-weight: 600 }
  a { color: inherit }
`

function page(title: string, content: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body><main>
<p class="note">Sandbox: this stands in for Stripe. No money moves.</p>
${content}</main></body></html>`
}

/** The hosted checkout page of a session. */
export function checkoutPage(session: CheckoutSession, error?: string): string {
  const amount =
    session.amount_total === null
      ? ''
      : `<p class="amount">${money(session.amount_total, session.currency ?? 'usd')}</p>`
  const problem = error === undefined ? '' : `<p class="error" role="alert">${escaped(error)}</p>`
  const cards = CARDS.map(
    ({ number, says }) => `<option value="${number.replace(/(\d{4})(?=\d)/g, '$1 ')}">${says}</option>`,
  )
  const taxId = session.asks_tax_id ? '<label for="tax">Tax id (optional)</label><input id="tax" name="tax_id">' : ''
  const back = session.cancel_url === null ? '' : `<p><a href="${escaped(session.cancel_url)}">Back</a></p>`
  const save = session.mode === 'setup'
  const others = save
    ? ''
    : `<form method="post"><input type="hidden" name="method" value="ideal"><button>iDEAL</button></form>
<form method="post"><input type="hidden" name="method" value="sepa_debit"><button>SEPA direct debit (takes a while)</button></form>`
  return page(
    session.title,
    `<h1>${escaped(session.title)}</h1>${amount}${problem}
<form method="post">
<label for="card">Card number</label>
<input id="card" name="card" inputmode="numeric" autocomplete="off" list="cards" placeholder="4242 4242 4242 4242" required>
<datalist id="cards">${cards.join('')}</datalist>
${taxId}
<button class="main">${save ? 'Save card' : 'Pay'}</button></form>
${others}
${back}`,
  )
}

/** Where a bank asks whether it was them. */
export function bankPage(intent: PaymentIntent): string {
  return page(
    'Confirm the payment',
    `<h1>Your bank wants to know whether this is you</h1><p class="amount">${money(intent.amount, intent.currency)}</p>
<form method="post"><button class="main" name="answer" value="yes">Confirm</button><button name="answer" value="no">Refuse</button></form>`,
  )
}

export const messagePage = (title: string, text: string): string =>
  page(title, `<h1>${escaped(title)}</h1><p>${escaped(text)}</p>`)

export const receiptPage = (title: string, amount: number, currency: string): string =>
  page(title, `<h1>${escaped(title)}</h1><p class="amount">${money(amount, currency)}</p><p>Paid.</p>`)
