import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { CreateBucketCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { stringify } from 'yaml'
import type { SinkEnd } from '../../src/config/bridge-config.ts'
import { load } from '../../src/config/load.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { type DeadLetter, deadLetterOf, recordMessage } from '../../src/route/dead-letter/record.ts'
import { activemq } from '../adapters/amqp10-brokers.ts'
import { startSluice } from '../support/bridge-process.ts'
import { type BrokerName, withBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { inQueue } from './setting.ts'
import { type OpenSource, type SourceCase, sources } from './sources.ts'

type Keys = Readonly<Record<string, unknown>>

/** A place for dead letters, and what the test sees of it past the bridge. */
export interface LetterPlace {
  /** What stands under `connections.dead`, where it has a connection. */
  readonly connection?: Keys
  /** The entry of `dead_letter`. */
  readonly entry: Keys
  /** How many messages there are, those that somebody holds included. */
  left(): Promise<number>
  /** Puts a message there that is no record. */
  spoil(): Promise<void>
}

export interface PlaceCase {
  readonly title: string
  readonly broker?: BrokerName
  open(t: TestContext, aws: TestAws): Promise<LetterPlace>
}

let names = 0
const nextName = () => `dead-${process.pid}-${++names}`

const folderCase: PlaceCase = {
  title: 'a folder',
  async open(t) {
    const path = mkdtempSync(join(tmpdir(), 'sluice-letters-'))
    t.after(() => rmSync(path, { recursive: true, force: true }))
    return {
      entry: { folder: path },
      left: async () => (await readdir(path)).filter(name => !name.startsWith('.')).length,
      spoil: async () => writeFileSync(join(path, '0000-torn.json'), '{"form":"sluice.dead-letter/1","rou'),
    }
  },
}

/** The keys of a connection to AWS. */
export const awsKeys = (protocol: string, { endpoint, region, credentials }: TestAws) => ({
  protocol,
  endpoint,
  region,
  access_key_id: credentials.accessKeyId,
  secret_access_key: credentials.secretAccessKey,
})

/** Letters that a killed command held come back after 5 s. */
const sqsCase: PlaceCase = {
  title: 'SQS',
  async open(_, emulated) {
    const queue = nextName()
    const QueueUrl = await emulated.createQueue(queue, { VisibilityTimeout: '5' })
    return {
      connection: awsKeys('sqs', emulated),
      entry: { connection: 'dead', queue },
      left: async () => inQueue(emulated, queue).length,
      spoil: async () =>
        void (await emulated.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }))),
    }
  },
}

const s3Case: PlaceCase = {
  title: 'S3',
  async open(t, emulated) {
    const Bucket = nextName()
    const { credentials, region, directEndpoint: endpoint } = emulated
    const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
    t.after(() => s3.destroy())
    await s3.send(new CreateBucketCommand({ Bucket }))
    return {
      connection: { ...awsKeys('s3', emulated), endpoint },
      entry: { connection: 'dead', bucket: Bucket, prefix: 'dead/' },
      left: async () =>
        (await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'dead/' }))).Contents?.length ?? 0,
      spoil: async () => void (await s3.send(new PutObjectCommand({ Bucket, Key: 'dead/0', Body: '{"for' }))),
    }
  },
}

const onBroker = (title: string, source: SourceCase): PlaceCase => ({
  title,
  broker: source.broker,
  async open(t) {
    const there = await withBroker(source.broker)
    const open = await source.open(there)
    t.after(() => open.close())
    const counting = open.left ? undefined : await activemq(there)
    t.after(() => counting?.close())
    const place = await open.create()
    return placeOn(open, place, () => (open.left ? open.left(place) : counting!.left!(place)))
  },
})

function placeOn(open: OpenSource, place: string, left: LetterPlace['left']): LetterPlace {
  const { connection, from } = open.config(place)
  return {
    connection,
    entry: { connection: 'dead', queue: from.queue },
    left,
    spoil: () => open.produce(place, [Buffer.from('hello')]),
  }
}

export const placeCases: readonly PlaceCase[] = [
  folderCase,
  sqsCase,
  s3Case,
  onBroker('AMQP 1.0 on ActiveMQ', sources.amqp10ActiveMq),
  onBroker('AMQP 1.0 on Artemis', sources.amqp10Artemis),
  onBroker('AMQP 1.0 on RabbitMQ 3', sources.amqp10Rabbit3),
  onBroker('AMQP 1.0 on RabbitMQ 4', sources.amqp10Rabbit4),
  onBroker('AMQP 0-9-1 on a classic queue of RabbitMQ 3', sources.amqp091Rabbit3),
  onBroker('AMQP 0-9-1 on a quorum queue of RabbitMQ 4', sources.amqp091Rabbit4),
  onBroker('STOMP on ActiveMQ', sources.stomp),
]

export const inFolder = folderCase
export const inSqs = sqsCase
export const onRabbit4 = placeCases[8]!

/** A letter of route `orders` that target `main` refused. */
export function letterOf(
  body: string,
  more: Partial<DeadLetter> = {},
  headers: Message['headers'] = {},
): DeadLetter {
  const message: Message = {
    address: 'ORDERS',
    body: { kind: 'text', text: body },
    properties: { deduplicationId: `delivery-${body}`, messageId: text(`ID:${body}`) },
    headers,
  }
  const about = { route: 'orders', target: 'main', message, attempts: 1, receivedAt: Date.now() - 1_000 }
  return {
    ...deadLetterOf({ ...about, diedAt: Date.now() }, new MessageRefused('the tenant is not known')),
    ...more,
  }
}

/** As it is written at a place. */
export function recordText(letter: DeadLetter): string {
  const { body } = recordMessage(letter)
  return body.kind === 'text' ? body.text : ''
}

/** A configuration in a file: from a queue that nobody fills, to SQS, with this place for dead letters. */
export function configFile(
  t: TestContext,
  { connection, entry }: LetterPlace,
  emulated: TestAws,
  route: Keys = {},
  connections: Keys = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-letters-'))
  const file = join(folder, 'sluice.yaml')
  const write = (more: Keys) =>
    writeFileSync(
      file,
      stringify({
        defaults: {
          retry: { initial: '20ms', max: '200ms' },
          breaker: { minimum_calls: 3, open_for: '300ms' },
          dead_letter: [entry],
        },
        connections: {
          here: { protocol: 'memory' },
          cloud: awsKeys('sqs', emulated),
          ...(connection && { dead: connection }),
          ...connections,
        },
        routes: { orders: { from: { connection: 'here', queue: 'in' }, ...more } },
      }),
    )
  write(route)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { file, write }
}

/** Stores letters as a bridge does: by the sink of the first place of the file. */
export async function store(file: string, letters: readonly DeadLetter[]): Promise<void> {
  const { config } = await load(file)
  const { end } = config.routes[0]!.deadLetters[0] as { end: SinkEnd }
  const sink = await end.kind.open(end.at, { signal: AbortSignal.timeout(30_000), report: () => {} })
  const signal = AbortSignal.timeout(60_000)
  try {
    for (const letter of letters) {
      const record = recordMessage(letter)
      const message = { ...record, address: end.kind.address?.(end.at) ?? record.address }
      await sink.send(end.kind.prepare(end.at, sink.limits, message), signal)
    }
  } finally {
    await sink.close()
  }
}

/** `sluice dead-letter` with these arguments, to its end. */
export async function deadLetter(t: TestContext, ...args: readonly string[]) {
  const { code, out, err } = startSluice(t, 'dead-letter', ...args)
  return { code: await code, out: out(), err: err() }
}
