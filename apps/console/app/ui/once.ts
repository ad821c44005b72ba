import { type FormEvent, useEffect, useRef } from 'react'

/**
 * Lets a form through once until it has been answered. The state of a fetcher is a rendering late: a second click in between would
 * send the form again, and the answer to a repeated request no longer holds the secret.
 */
export function useOnce(state: 'idle' | 'loading' | 'submitting'): (event: FormEvent) => void {
  const isUnderWay = useRef(false)
  useEffect(() => {
    if (state === 'idle') isUnderWay.current = false
  }, [state])
  return (event) => {
    if (event.defaultPrevented) return
    if (isUnderWay.current) event.preventDefault()
    isUnderWay.current = true
  }
}
