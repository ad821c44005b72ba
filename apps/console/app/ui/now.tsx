import { createContext, type ReactNode, useContext, useEffect, useState } from 'react'

const Now = createContext<Date | null>(null)

/** The present, begun with the server's so that the first rendering in the browser agrees with it. */
export function NowProvider({ serverNow, children }: { serverNow: Date; children: ReactNode }) {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    setNow(new Date())
    const timer = setInterval(() => setNow(new Date()), 10_000)
    return () => clearInterval(timer)
  }, [])
  return <Now.Provider value={now}>{children}</Now.Provider>
}

export function useNow(): Date {
  const now = useContext(Now)
  if (now === null) throw new Error('no NowProvider above')
  return now
}
