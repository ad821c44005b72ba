import path from 'node:path'
import { fileURLToPath } from 'node:url'
import express, { type Router } from 'express'

const FAMILIES = ['noto-sans', 'noto-sans-arabic', 'noto-sans-hebrew', 'noto-sans-mono', 'noto-sans-sc']

/** The font files that slips are set in, out of the packages they come in: `/noto-sans/noto-sans-latin-400-normal.woff`. */
export function fontFiles(): Router {
  const router = express.Router()
  for (const family of FAMILIES) {
    const manifest = fileURLToPath(import.meta.resolve(`@fontsource/${family}/package.json`))
    const files = path.join(path.dirname(manifest), 'files')
    router.use(`/${family}`, express.static(files, { maxAge: '30d', index: false, fallthrough: false }))
  }
  return router
}
