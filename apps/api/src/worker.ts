import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createPayments } from '@stipend/billing'
import { close, connect, ping } from '@stipend/db'
import { createLog, onShutdown } from '@stipend/runtime'
import { workerEnv } from './env.ts'
import { jobsOf } from './job-list.ts'
import { startJobs } from './jobs.ts'
import { mailTransport } from './mail.ts'

const { database_url, host, port, log_level, master_keys, console_url, mail, payments } = workerEnv()
const log = createLog({ app: 'worker', level: log_level })
const database = connect(database_url, { applicationName: 'stipend worker', max: 20 })
const transport = mailTransport(mail)
if (transport === null) log.warn('no mail server is set (SMTP_URL): mails wait until one is')
const jobs = startJobs(
  database,
  log,
  jobsOf({ database, master_keys, console_url, transport, payments: createPayments(payments) }),
)

const server = createServer((request, response) => {
  const answer = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  if (request.url !== '/healthz') return answer(404, { error: 'Only /healthz is here.' })
  ping(database).then(
    () => answer(200, { status: 'ok', jobs: jobs.states() }),
    () => answer(503, { status: 'the database does not answer' }),
  )
})

onShutdown(log, [
  { name: 'finish jobs', run: () => jobs.stop(), timeoutMs: 30_000 },
  { name: 'stop listening', run: () => server.close() },
  { name: 'close the database', run: () => close(database) },
])

server.listen(port, host, () => {
  const { port: taken } = server.address() as AddressInfo
  log.info({ port: taken, jobs: jobs.states().map((job) => job.name) }, 'working')
})
