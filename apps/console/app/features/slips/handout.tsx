import { Alert, Anchor, Button, Group, Progress, Stack, Text } from '@mantine/core'
import { Link } from '@remix-run/react'
import { IconAlertTriangle, IconDownload, IconExternalLink, IconPrinter } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import { paths } from '../../paths.ts'
import { LeaveGuard } from '../../ui/leave-guard.tsx'
import { PageHeader } from '../../ui/page-header.tsx'
import { counted } from '../../words.ts'
import { useTenant } from '../tenant.ts'
import type { Paper } from './pdf.ts'
import type { SlipSheet } from './slip.ts'

/** Countries that print on Letter; everybody else on A4. */
const LETTER = /-(US|CA|MX|PH|CL|CO|VE)$/

/**
 * Keys just made, to hand out: the document opens in the tab that the click opened, and can be downloaded until the page is left.
 * It is made here, out of the page's memory: nothing that holds a key is sent or stored anywhere.
 */
export function Handout({ sheet, tab }: { sheet: SlipSheet; tab: Window | null }) {
  const { slug } = useTenant()
  const [made, setMade] = useState(0)
  const [working, setWorking] = useState<string | null>(null)
  const [isFailed, setFailed] = useState(false)
  const [isBlocked, setBlocked] = useState(false)
  const [isSaved, setSaved] = useState(false)
  const hasBegun = useRef(false)
  const urls = useRef<string[]>([])
  const count = counted(sheet.slips.length, 'key')

  const address = (parts: BlobPart[], type: string) => {
    const url = URL.createObjectURL(new Blob(parts, { type }))
    urls.current.push(url)
    return url
  }
  const pdf = async (paper: Paper) => {
    // Fonts and what draws with them are large: only this page fetches them.
    const { makePdf } = await import('./pdf.ts')
    const bytes = await makePdf(sheet, { paper, loadFont, onProgress: setMade })
    return address([bytes as Uint8Array<ArrayBuffer>], 'application/pdf')
  }
  const run = async (what: string, work: () => Promise<void>) => {
    setWorking(what)
    setFailed(false)
    setMade(0)
    try {
      await work()
    } catch {
      setFailed(true)
    } finally {
      setWorking(null)
    }
  }
  const save = (what: string, ending: string, make: () => Promise<string>) =>
    run(what, async () => {
      const { fileName } = await import('./slip.ts')
      const link = document.createElement('a')
      link.href = await make()
      link.download = fileName(sheet, ending)
      link.click()
      setSaved(true)
    })
  const open = (target: Window | null) =>
    run('open', async () => {
      const url = await pdf(LETTER.test(navigator.language) ? 'letter' : 'a4')
      if (target === null || target.closed) return setBlocked(true)
      target.location.replace(url)
      setBlocked(false)
      setSaved(true)
    })
  const print = () => {
    const target = window.open('', '_blank')
    void run('print', async () => {
      if (target === null) return setBlocked(true)
      const { makePrintPage } = await import('./print.ts')
      target.location.replace(address([makePrintPage(sheet)], 'text/html;charset=utf-8'))
      target.addEventListener('load', () => target.print())
      setSaved(true)
    })
  }
  const csv = async () => address([(await import('./csv.ts')).makeCsv(sheet)], 'text/csv;charset=utf-8')

  // The document opens by itself once, when the keys have come.
  useEffect(() => {
    if (hasBegun.current) return
    hasBegun.current = true
    void open(tab)
  }, [])
  useEffect(() => {
    const { current } = urls
    return () => {
      for (const url of current) URL.revokeObjectURL(url)
    }
  }, [])

  return (
    <Stack gap="lg" maw={720}>
      <PageHeader
        title={`${count} for ${sheet.place}`}
        sentence="Made. Their slips open in a new tab, to print, cut out and hand over."
      />
      <Alert
        color="yellow"
        icon={<IconAlertTriangle size={18} />}
        title="Print or save them before you leave this page"
      >
        The keys are only in this page. Once it is left or closed nobody can show them again, not even we.
      </Alert>
      <div aria-live="polite">
        {working !== null && (
          <Stack gap={6}>
            <Text size="sm">{made === 0 ? 'Preparing the slips…' : `Slip ${made} of ${sheet.slips.length}`}</Text>
            <Progress
              value={(made / sheet.slips.length) * 100}
              aria-label={`${made} of ${sheet.slips.length} slips made`}
            />
          </Stack>
        )}
        {isFailed && (
          <Alert color="red" title="That did not work">
            The keys are still here. Try again, or take another of the formats below.
          </Alert>
        )}
        {isBlocked && (
          <Alert color="blue" title="The browser kept the new tab shut">
            Open the slips with the button below, or download them.
          </Alert>
        )}
      </div>
      <Group gap="sm">
        <Button
          onClick={() => void open(window.open('', '_blank'))}
          leftSection={<IconExternalLink size={16} />}
          disabled={working !== null}
        >
          Open the slips
        </Button>
        <Button variant="default" onClick={print} leftSection={<IconPrinter size={16} />} disabled={working !== null}>
          Print view
        </Button>
      </Group>
      <Group gap="sm">
        {(['a4', 'letter'] as const).map((paper) => (
          <Button
            key={paper}
            variant="default"
            onClick={() => void save(paper, 'pdf', () => pdf(paper))}
            leftSection={<IconDownload size={16} />}
            disabled={working !== null}
          >
            {paper === 'a4' ? 'PDF, A4' : 'PDF, Letter'}
          </Button>
        ))}
        <Button
          variant="default"
          onClick={() => void save('csv', 'csv', csv)}
          leftSection={<IconDownload size={16} />}
          disabled={working !== null}
        >
          CSV
        </Button>
      </Group>
      <Anchor component={Link} to={paths.coding(slug)} size="sm">
        Done, back to Coding
      </Anchor>
      <LeaveGuard when title="Leave the keys behind?" leave="Leave" stay="Stay with the keys">
        {isSaved
          ? 'Make sure that the slips are printed or saved: they can’t be had again.'
          : 'The slips are neither printed nor saved yet, and can’t be had again.'}
      </LeaveGuard>
    </Stack>
  )
}

async function loadFont(file: string): Promise<Uint8Array> {
  const response = await fetch(`/fonts/${file}`)
  if (!response.ok) throw new Error(`${file} can’t be read`)
  return new Uint8Array(await response.arrayBuffer())
}
