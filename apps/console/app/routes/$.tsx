import type { LoaderFunctionArgs } from '@remix-run/node'
import { notFoundPage } from '../session.server.ts'

export function loader({ context }: LoaderFunctionArgs): null {
  throw notFoundPage(context)
}

export default function NotFound() {
  return null
}
