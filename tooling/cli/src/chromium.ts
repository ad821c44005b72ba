import { spawnSync } from 'node:child_process'
import fs from 'node:fs'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** The browser for the browser tests. On Debian, as root, it is installed if it is missing. */
export async function findChromium(asked: string | null): Promise<{ path: string } | { path: null; message: string }> {
  if (asked !== null) {
    return fs.existsSync(asked)
      ? { path: asked }
      : { path: null, message: `CHROMIUM_PATH is ${asked}, which is not there.` }
  }
  const found = () => PLACES.find((place) => fs.existsSync(place))
  if (found() === undefined && process.getuid?.() === 0 && fs.existsSync('/etc/debian_version')) {
    const apt = 'apt-get update && apt-get install -y --no-install-recommends chromium'
    spawnSync('sh', ['-c', apt], { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive' } })
  }
  const path = found()
  if (path !== undefined) return { path }
  return { path: null, message: 'The browser tests need Chromium or Chrome: install it, or set CHROMIUM_PATH to it.' }
}
