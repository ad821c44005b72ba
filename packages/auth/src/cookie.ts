export type SessionCookie = {
  name: string
  attributes: { httpOnly: true; sameSite: 'lax'; secure: boolean; path: '/' }
}

/**
 * The cookie that holds a session's token. Over https its name has the `__Host-` prefix: browsers then refuse it from other
 * hosts of the same domain and over plain http.
 */
export function sessionCookie(options: { secure: boolean }): SessionCookie {
  return {
    name: options.secure ? '__Host-stipend_session' : 'stipend_session',
    attributes: { httpOnly: true, sameSite: 'lax', secure: options.secure, path: '/' },
  }
}
