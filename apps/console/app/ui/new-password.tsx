import { PasswordInput } from '@mantine/core'

/** Where a password is chosen. */
export function NewPassword({ error, isFirst = false }: { error?: string | undefined; isFirst?: boolean }) {
  return (
    <PasswordInput
      name="password"
      label="New password"
      description="At least 10 characters. A few words are easy to remember and hard to guess."
      autoComplete="new-password"
      required
      withAsterisk={false}
      minLength={10}
      maxLength={200}
      autoFocus={isFirst}
      error={error}
      visibilityToggleButtonProps={{ 'aria-label': 'Show the password' }}
    />
  )
}
