import type { MetaFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { LessonView } from '../features/classes/lesson-view.tsx'
import { tenantLoader } from '../session.server.ts'

export const meta: MetaFunction<typeof loader> = ({ data }) => [
  { title: `${data === undefined ? 'Lesson' : data.lesson.group_name} – Stipend` },
]

export const loader = tenantLoader(async ({ api, param, context, session, membership }) => ({
  lesson: await api.lessons.get({ group_id: param('groupId') }),
  may_write: context.backend.permissions(session, membership).includes('keys:write'),
}))

// It keeps itself up to date.
export const shouldRevalidate = () => false

export default function LessonPage() {
  return <LessonView {...useLoaderData<typeof loader>()} />
}
