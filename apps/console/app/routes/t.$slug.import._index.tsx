import { Button, Card, FileInput, List, Stack, Text } from '@mantine/core'
import { type MetaFunction, redirect } from '@remix-run/node'
import { Form, useActionData, useNavigation } from '@remix-run/react'
import { IconUpload } from '@tabler/icons-react'
import { useState } from 'react'
import { useTenant } from '../features/tenant.ts'
import { paths } from '../paths.ts'
import { tenantAction, tenantLoader } from '../session.server.ts'
import { answerOf } from '../ui/form/act-form.tsx'
import { PageHeader } from '../ui/page-header.tsx'
import { RefusalAlert } from '../ui/refusal-alert.tsx'

export const meta: MetaFunction = () => [{ title: 'Import people – Stipend' }]

export const loader = tenantLoader(async ({ api }) => {
  // Only for whoever may: others get the page that says who can.
  await api.members.count({})
  return null
})

export const action = tenantAction(async ({ api, slug }, form) => {
  const files = await Promise.all(
    form
      .getAll('files')
      .filter((one): one is File => one instanceof File && one.size > 0)
      .map(async (file) => ({
        name: file.name,
        content_base64: Buffer.from(await file.arrayBuffer()).toString('base64'),
      })),
  )
  const made = await api.imports.create({ files })
  return redirect(paths.importOf(slug, made.id))
})

export default function NewImport() {
  const { words, kind } = useTenant()
  const { refused } = answerOf<object>(useActionData<typeof action>() as never)
  const isBusy = useNavigation().state !== 'idle'
  const [files, setFiles] = useState<File[]>([])
  return (
    <>
      <PageHeader
        title={`Import ${words.people.toLowerCase()}`}
        sentence="Choose the files you have. You then see what would happen, row by row, before anything is written."
      />
      <Card withBorder padding="lg" maw={640}>
        <Form method="post" encType="multipart/form-data">
          <Stack>
            <RefusalAlert of={refused} />
            <FileInput
              name="files"
              label="Files"
              description="CSV from any program, with commas, semicolons or tabs; or the files of School Data Sync together, also as a zip."
              placeholder="Choose files"
              multiple
              accept=".csv,.txt,.tsv,.zip,text/csv,application/zip"
              leftSection={<IconUpload size={16} />}
              value={files}
              onChange={setFiles}
              required
              withAsterisk={false}
            />
            <Button type="submit" loading={isBusy} disabled={files.length === 0}>
              Look at what would happen
            </Button>
          </Stack>
        </Form>
      </Card>
      <Text fw={600} mt="xl" mb="xs">
        What the file needs
      </Text>
      <List size="sm" maw={640} spacing={4}>
        <List.Item>
          A row for each person, with a name and an e-mail address. Headers in English, Dutch, German or French are
          known.
        </List.Item>
        <List.Item>
          {kind === 'school'
            ? 'Optional: student or staff, the school, the class, an id.'
            : 'Optional: the office, the team, an id.'}{' '}
          What is new is made on the way.
        </List.Item>
        <List.Item>Somebody in two {words.groups.toLowerCase()} has two rows, and is one person.</List.Item>
        <List.Item>The same file once more changes nothing. Who isn’t in it is left alone unless you ask.</List.Item>
        <List.Item>Passwords in files are never kept.</List.Item>
      </List>
    </>
  )
}
