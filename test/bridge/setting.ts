import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext } from 'node:test'
import type { Message } from '../../src/core/message.ts'
import { type DeadLetter, readRecord } from '../../src/route/dead-letter/record.ts'
import { startAws, type TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import type { SourceCase } from './sources.ts'

/** Retries and breakers that do not keep a test waiting. */
export const quick = {
  retry: { initial: '20ms', max: '200ms' },
  breaker: { minimum_calls: 3, open_for: '300ms' },
}

/** An AWS that is there while the tests of this suite run. */
export function suiteAws(use: (aws: TestAws) => void): void {
  let aws: TestAws | undefined
  before(async () => {
    aws = await startAws()
    use(aws)
  })
  after(() => aws?.stop())
}

/** The keys of a connection to AWS; `direct` goes past the faults. */
export const awsConnection = (protocol: 'sqs' | 'sns', aws: TestAws, direct = false) => ({
  protocol,
  endpoint: direct ? aws.directEndpoint : aws.endpoint,
  region: aws.region,
  access_key_id: aws.credentials.accessKeyId,
  secret_access_key: aws.credentials.secretAccessKey,
})

interface OnlyRoute {
  readonly connection: object
  readonly from: object
  readonly queue: string
  readonly concurrency: number
  readonly buffer?: object
}

/** A configuration with the one route `only` to a queue; a dead letter would stay unsettled and be missed. */
export const onlyRoute = (aws: TestAws, { connection, from, queue, concurrency, ...more }: OnlyRoute) => ({
  defaults: { ...quick, dead_letter: [{ folder: '/dev/null/never' }] },
  connections: { broker: connection, queues: awsConnection('sqs', aws) },
  routes: {
    only: {
      from: { connection: 'broker', ...from },
      targets: { main: { connection: 'queues', queue, concurrency } },
      ...more,
    },
  },
})

export const numbered = (count: number, prefix = 'm'): Buffer[] =>
  Array.from({ length: count }, (_, i) => Buffer.from(`${prefix}${i}`))

/** The messages that are in a queue, none of which is received by looking. */
export function inQueue({ emulator }: TestAws, queue: string) {
  const { ready, delayed, inflight } = emulator.inspectQueue(queue)!.messages
  return [...ready, ...delayed, ...inflight.map(i => i.message)]
}

export const bodiesIn = (aws: TestAws, queue: string): string[] => inQueue(aws, queue).map(m => m.body)

/** Messages beyond the first with the same body. */
export const repetitions = (bodies: readonly string[]): number => bodies.length - new Set(bodies).size

/** Those of the bodies that are not in the queue. */
export function missingIn(aws: TestAws, queue: string, bodies: readonly Uint8Array[]): string[] {
  const there = new Set(bodiesIn(aws, queue))
  return bodies.map(b => Buffer.from(b).toString()).filter(b => !there.has(b))
}

/** Waits until every one of the bodies is in the queue. */
export async function arrived(
  aws: TestAws,
  queue: string,
  bodies: readonly Uint8Array[],
  timeout = 40_000,
): Promise<void> {
  await until(
    () => {
      const missing = missingIn(aws, queue, bodies)
      if (missing.length > 0) throw new Error(`missing ${missing.length}: ${missing.slice(0, 5)} …`)
      return true
    },
    { what: `${bodies.length} messages in ${queue}`, timeout, every: 30 },
  )
}

/** A folder for dead letters, deleted when the test ends. */
export function deadFolder(t: Pick<TestContext, 'after'>) {
  const path = mkdtempSync(join(tmpdir(), 'sluice-dead-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  const letters = async (): Promise<DeadLetter[]> => {
    const files = (await readdir(path)).filter(f => !f.startsWith('.')).sort()
    return Promise.all(files.map(async f => readRecord(await readFile(join(path, f), 'utf8'))))
  }
  return { path, letters }
}

export function bytesOf({ body }: Message): Buffer {
  if (body.kind === 'text') return Buffer.from(body.text)
  return body.kind === 'bytes' ? Buffer.from(body.bytes) : Buffer.alloc(0)
}

export const titleOf = ({ title }: SourceCase): string => `the bridge from ${title}`
