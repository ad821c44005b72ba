import type { Transport } from '@stipend/auth'
import { createTransport } from 'nodemailer'

/** How mails go out: by SMTP, or kept for a developer to read; null where neither is set. */
export function mailTransport({
  smtp_url,
  from,
  keep,
}: {
  smtp_url: string | null
  from: string
  keep: boolean
}): Transport | null {
  if (smtp_url === null) return keep ? 'keep' : null
  const smtp = createTransport(smtp_url, { from })
  return async ({ to, subject, text }) => {
    await smtp.sendMail({ to, subject, text })
  }
}
