import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { within } from '../../src/adapters/shared/within.ts'
import type { Endpoint, SourceOptions } from '../../src/core/adapter.ts'
import { LinkLost, sentence } from '../../src/core/errors.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { Consumer, parse } from './consumer.ts'
import { bytesOf, idOf, type RawEndpoint, type SourceAdapter, type SourceFixture } from './fixture.ts'

/** What every source promises. A suite that cannot keep one says why under `skip`. */
export const sourcePromises = {
  bytes: 'carries every byte of a body: empty, NUL, broken UTF-8, emoji, 2 MiB',
  address: 'fails to open where nobody listens, and names the address',
  credentials: 'fails to open with a wrong password, and says so',
  missing: 'fails to open on a place that does not exist, and names it',
  silent: 'fails to open in bounded time on a port that accepts and stays silent',
  abort: 'stops opening when its signal is aborted',
  credit: 'never hands over more than was granted',
  accepted: 'does not see an accepted message again, and sees the others again after close()',
  rejected: 'does not see a rejected message again',
  stop: 'hands over nothing new after stop(), and still settles what is out',
  close: 'resolves closed with undefined after close(), twice, and loses what was unsettled',
  cut: 'loses its deliveries before closed resolves when the connection is cut, and settles none of them',
  again: 'sees unsettled messages again after a cut',
  detached: 'notices that the broker took the link away while the connection lives',
  stalled: 'notices a peer that falls silent',
  stalledClose: 'closes in bounded time when the peer is silent',
  neighbour: 'leaves the other links of a connection at work when it closes',
  cuts: 'loses none of 2,000 messages while the connection is cut now and then',
} as const

export type SourcePromise = keyof typeof sourcePromises

export interface SourceSuite<C, O extends SourceOptions> {
  readonly title: string
  readonly adapter: SourceAdapter<C, O>
  /** Called once, before the first test. */
  fixture(): Promise<SourceFixture>
  /** Why the whole suite cannot run here, e.g. that the broker is missing; from test/support/brokers.ts. */
  readonly unavailable?: string | false | undefined
  readonly skip?: Partial<Record<SourcePromise, string>>
  /** Titles of the fixture's examples, known before the broker is: one test each. */
  readonly examples: readonly string[]
}

const wrong = { username: 'sluice-nobody', password: 'wrong' }
const ids = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `m${from + i}`)
const bodies = (names: readonly string[]): Buffer[] => names.map(id => Buffer.from(id))

/** Runs the promises of a source on a real broker. */
export function sourceConformance<C, O extends SourceOptions>(suite: SourceSuite<C, O>): void {
  const { adapter } = suite
  let broker: SourceFixture

  const endpoint = (name: string, raw = broker.endpoint(name)): Endpoint<C, O> => parse(adapter, name, raw)
  const open = async (t: TestContext, name: string, raw?: RawEndpoint) =>
    (await Consumer.open(adapter, endpoint(name, raw))).closeAfter(t)
  const withConnection = (name: string, more: object): RawEndpoint => {
    const raw = broker.endpoint(name)
    return { ...raw, connection: { ...raw.connection, ...more } }
  }
  const proxied = async (t: TestContext) => {
    const proxy = await startProxy(broker.address)
    t.after(() => proxy.close())
    return proxy
  }
  /** A fresh place that holds so many messages. */
  const filled = async (count: number): Promise<string> => {
    const name = await broker.create()
    await broker.produce(name, bodies(ids(count)))
    return name
  }
  /** Reads the place to its end through a new link, accepts all, and returns what was there. */
  const readBack = async (t: TestContext, name: string): Promise<string[]> => {
    await broker.produce(name, [Buffer.from('end')])
    const consumer = await open(t, name)
    consumer.grant(10_000)
    await until(() => consumer.ids.includes('end'), { what: 'the last message' })
    await Promise.all(consumer.deliveries.map(d => d.settle('accepted')))
    await consumer.source.close()
    await nothingLeft(name)
    return consumer.ids.filter(id => id !== 'end')
  }
  const nothingLeft = async (name: string) => {
    if (!broker.left) return
    await until(async () => (await broker.left!(name)) === 0, { what: `nothing left in ${name}` })
  }
  const promise = (key: SourcePromise, run: (t: TestContext) => Promise<void>, timeout = 30_000) =>
    test(sourcePromises[key], { skip: suite.skip?.[key] ?? false, timeout }, run)

  describe(`${suite.title} source`, { skip: suite.unavailable || false }, () => {
    before(async () => {
      broker = await suite.fixture()
      assert.deepEqual(
        suite.examples,
        broker.examples.map(e => e.title),
      )
    })
    after(() => broker?.close())

    promise('bytes', async t => {
      const sent = [
        Buffer.alloc(0),
        Buffer.from([0]),
        Buffer.from([0x66, 0xff, 0xc3, 0x28, 0x00, 0x80]),
        Buffer.from('Grüße 😀 \r\n\t\\:'),
        Buffer.alloc(2 * 2 ** 20, Buffer.from(ids(256).join())),
      ]
      const name = await broker.create()
      await broker.produce(name, sent)
      const consumer = await open(t, name)
      const came = (await consumer.take(sent.length)).map(d => bytesOf(d.message))
      for (const [i, bytes] of sent.entries())
        assert.ok(bytes.equals(came[i]!), `body ${i} of ${bytes.length} B`)
      assert.ok(consumer.deliveries[4]!.size >= 2 * 2 ** 20, 'size counts the body')
      assert.equal(consumer.deliveries[0]!.message.address, name)
    })

    for (const [i, title] of suite.examples.entries()) {
      test(`carries ${title}`, { timeout: 30_000 }, async t => {
        const { expected, send } = broker.examples[i]!
        const name = await broker.create()
        await send(name)
        const [delivery] = await (await open(t, name)).take(1)
        const { body, headers, properties, annotations } = delivery!.message
        if (expected.body) assert.deepEqual(plain(body), plain(expected.body))
        contains(headers, expected.headers, 'header')
        contains(properties, expected.properties, 'property')
        contains(annotations ?? {}, expected.annotations, 'annotation')
        await delivery!.settle('accepted')
      })
    }

    promise('address', async () => {
      const name = await broker.create()
      const raw = broker.endpoint(name, { host: '127.0.0.1', port: await freePort() })
      await assert.rejects(
        Consumer.open(adapter, endpoint(name, raw)),
        says(/127\.0\.0\.1:\d+.*ECONNREFUSED/),
      )
    })

    promise('credentials', async () => {
      const name = await broker.create()
      const raw = withConnection(name, wrong)
      await assert.rejects(Consumer.open(adapter, endpoint(name, raw)), says(/credentials.*sluice-nobody/))
    })

    promise('missing', async () => {
      const name = 'sluice-there-is-no-such-place'
      await assert.rejects(Consumer.open(adapter, endpoint(name)), says(new RegExp(name)))
    })

    promise('silent', async t => {
      const raw = broker.endpoint(await broker.create(), await silentPort(t))
      const connection = { ...raw.connection, connect_timeout: '300ms' }
      const opening = Consumer.open(adapter, endpoint('silent', { ...raw, connection }))
      await assert.rejects(within(5_000, 'THE SUITE', opening), says(/^(?!THE SUITE).*127\.0\.0\.1:\d+/))
    })

    promise('abort', async t => {
      const raw = broker.endpoint(await broker.create(), await silentPort(t))
      const abort = new AbortController()
      const opening = Consumer.open(adapter, endpoint('abort', raw), abort.signal)
      const reason = new Error('enough')
      abort.abort(reason)
      await assert.rejects(within(2_000, 'opening after the abort', opening), reason)
    })

    promise('credit', async t => {
      const name = await filled(60)
      const consumer = await open(t, name)
      const quiet = async (total: number) => {
        await consumer.came(total)
        await pause(150)
        await consumer.came(total)
      }
      await quiet(0)
      consumer.grant(1)
      await quiet(1)
      for (let i = 0; i < 4; i++) consumer.grant(5)
      await quiet(21)
      await Promise.all(consumer.deliveries.map(d => d.settle('accepted')))
      await quiet(21)
      await consumer.take(39)
      assert.deepEqual(consumer.ids, ids(60))
    })

    promise('accepted', async t => {
      const name = await filled(8)
      const consumer = await open(t, name)
      const deliveries = await consumer.take(6)
      await Promise.all(deliveries.slice(0, 3).map(d => d.settle('accepted')))
      await consumer.source.close()
      assert.deepEqual((await readBack(t, name)).sort(), ids(5, 3))
    })

    promise('rejected', async t => {
      const name = await filled(4)
      const consumer = await open(t, name)
      const deliveries = await consumer.take(4)
      await deliveries[1]!.settle('rejected')
      await Promise.all([deliveries[0]!, deliveries[2]!].map(d => d.settle('accepted')))
      await consumer.source.close()
      assert.deepEqual(await readBack(t, name), ['m3'])
    })

    promise('stop', async t => {
      const name = await filled(10)
      const consumer = await open(t, name)
      const deliveries = [...(await consumer.take(4))]
      await consumer.source.stop()
      consumer.grant(10)
      await broker.produce(name, bodies(ids(2, 10)))
      await pause(150)
      await consumer.came(4)
      await Promise.all(deliveries.map(d => d.settle('accepted')))
      await consumer.source.close()
      assert.deepEqual((await readBack(t, name)).sort(), ids(8, 4).sort())
    })

    promise('close', async t => {
      const name = await filled(3)
      const consumer = await open(t, name)
      const [first] = await consumer.take(3)
      await Promise.all([consumer.source.close(), consumer.source.close()])
      assert.equal(await consumer.source.closed, undefined)
      assert.ok(first!.lost.aborted)
      await assert.rejects(first!.settle('accepted'), LinkLost)
      consumer.grant(1)
      assert.deepEqual((await readBack(t, name)).sort(), ids(3))
    })

    promise('cut', async t => {
      const name = await filled(4)
      const proxy = await proxied(t)
      const consumer = await open(t, name, broker.endpoint(name, proxy))
      const deliveries = await consumer.take(4)
      await deliveries[0]!.settle('accepted')
      const lostFirst = consumer.source.closed.then(() => deliveries.slice(1).every(d => d.lost.aborted))
      proxy.cut()
      const error = await within(5_000, 'noticing the cut', consumer.source.closed)
      assert.ok(error instanceof Error)
      assert.ok(await lostFirst, 'lost before closed')
      await assert.rejects(deliveries[1]!.settle('accepted'), LinkLost)
      await assert.rejects(deliveries[2]!.settle('rejected'), LinkLost)
    })

    promise('again', async t => {
      const name = await filled(10)
      const proxy = await proxied(t)
      const consumer = await open(t, name, broker.endpoint(name, proxy))
      const deliveries = await consumer.take(6)
      await Promise.all(deliveries.slice(0, 2).map(d => d.settle('accepted')))
      proxy.cut()
      await consumer.source.closed
      const next = await open(t, name)
      next.grant(20)
      await until(() => ids(8, 2).every(id => next.ids.includes(id)), { what: 'the unsettled messages' })
    })

    promise('detached', async t => {
      const name = await filled(2)
      const consumer = await open(t, name)
      const deliveries = await consumer.take(2)
      await broker.detach!(name)
      const error = await within(10_000, 'noticing that the link is gone', consumer.source.closed)
      assert.ok(error instanceof Error)
      await assert.rejects(deliveries[0]!.settle('accepted'), LinkLost)
    })

    promise('stalled', async t => {
      const name = await filled(1)
      const proxy = await proxied(t)
      const raw = broker.endpoint(name, proxy)
      const connection = { ...raw.connection, heartbeat: '1s' }
      const consumer = await open(t, name, { ...raw, connection })
      const [delivery] = await consumer.take(1)
      proxy.stall()
      const error = await within(10_000, 'noticing the silence', consumer.source.closed)
      assert.ok(error instanceof Error)
      await assert.rejects(delivery!.settle('accepted'), LinkLost)
    })

    promise('stalledClose', async t => {
      const name = await filled(1)
      const proxy = await proxied(t)
      const raw = broker.endpoint(name, proxy)
      const connection = { ...raw.connection, connect_timeout: '1s' }
      const consumer = await open(t, name, { ...raw, connection })
      await consumer.take(1)
      proxy.stall()
      await within(6_000, 'closing', consumer.source.close())
      await within(100, 'closed after close()', consumer.source.closed)
    })

    promise('neighbour', async t => {
      const [one, other] = [await filled(1), await filled(1)]
      const first = endpoint(one)
      const second = { ...endpoint(other), connection: first.connection }
      const closing = (await Consumer.open(adapter, first)).closeAfter(t)
      const staying = (await Consumer.open(adapter, second)).closeAfter(t)
      await closing.take(1)
      await closing.source.close()
      const [delivery] = await staying.take(1)
      await delivery!.settle('accepted')
      await staying.source.close()
      assert.deepEqual(await readBack(t, other), [])
    })

    promise(
      'cuts',
      async t => {
        const count = 2_000
        const name = await broker.create()
        const proxy = await proxied(t)
        const at = endpoint(name, broker.endpoint(name, proxy))
        const seen = new Set<string>()
        let cutAt = 150
        const producing = broker.produce(name, bodies(ids(count)))
        const deadline = AbortSignal.timeout(50_000)
        while (seen.size < count) {
          deadline.throwIfAborted()
          await keep(at)
        }
        await producing
        assert.ok(cutAt > count - 300, 'the connection was cut all along')
        await nothingLeft(name)

        /** One life of the link: settles what comes, grants as much again, until the link dies or all has come. */
        async function keep(at: Endpoint<C, O>): Promise<void> {
          let consumer: Consumer | undefined
          const context = { signal: deadline, report: () => {} }
          const allCame = Promise.withResolvers<void>()
          const source = await adapter
            .source!.open(
              at,
              delivery => {
                delivery.settle('accepted').then(
                  () => {
                    seen.add(idOf(delivery.message))
                    consumer!.source.grant(1, bytesOf(delivery.message).length)
                    if (seen.size === count) allCame.resolve()
                    if (seen.size >= cutAt && cutAt < count) {
                      cutAt += 150
                      proxy.cut()
                    }
                  },
                  (error: unknown) => assert.ok(error instanceof LinkLost),
                )
              },
              context,
            )
            .catch(() => undefined)
          if (!source) return pause(20)
          consumer = new Consumer(source, [])
          t.after(() => source.close())
          source.grant(100, 2 ** 30)
          await Promise.race([allCame.promise, source.closed])
          await source.close()
        }
      },
      60_000,
    )
  })
}

const says = (pattern: RegExp) => (error: unknown) => {
  assert.match(sentence(error), pattern)
  return true
}

/** Buffers and Uint8Arrays of the same bytes are the same body. */
const plain = <T>(value: T): T =>
  (value instanceof Uint8Array
    ? Buffer.from(value)
    : Array.isArray(value)
      ? value.map(plain)
      : value !== null && typeof value === 'object'
        ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
        : value) as T

function contains(actual: object, expected: object | undefined, what: string): void {
  for (const [name, value] of Object.entries(expected ?? {})) {
    assert.deepEqual(plain((actual as Record<string, unknown>)[name]), plain(value), `${what} ${name}`)
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function silentPort(t: TestContext): Promise<{ host: string; port: number }> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer(socket => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}
