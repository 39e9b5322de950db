import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { DeleteQueueCommand } from '@aws-sdk/client-sqs'
import { type BridgeProcess, runBridge } from '../support/bridge-process.ts'
import { type Broker, describeOnBroker } from '../support/brokers.ts'
import { dnsOutage, localName } from '../support/dns-outage.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { arrived, awsConnection, bodiesIn, deadFolder, numbered, quick, suiteAws } from './setting.ts'
import { type OpenSource, oneOfEach, type SourceCase, sources } from './sources.ts'

let aws: TestAws

/** What the suffering route may hold. */
const limit = 100
let names = 0

/** Two routes in one bridge, from one broker: `suffers`, whose target is behind the faults, and `steady`. */
async function twoRoutes(t: Pick<TestContext, 'after'>, open: OpenSource) {
  const [suffers, steady] = [`suffers-${++names}`, `steady-${names}`]
  const places = { suffers: await open.create(), steady: await open.create() }
  const dead = deadFolder(t)
  const { connection, from } = open.config(places.suffers)
  const to = (connection: string, queue: string, more = {}) => ({ main: { connection, queue, ...more } })
  const config = {
    defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
    connections: {
      broker: connection,
      cloud: awsConnection('sqs', aws),
      blue: awsConnection('sqs', aws, true),
    },
    routes: {
      suffers: {
        from: { connection: 'broker', ...from },
        targets: to('cloud', suffers, { send_timeout: '1s' }),
        buffer: { max_messages: limit },
      },
      steady: {
        from: { connection: 'broker', ...open.config(places.steady).from },
        targets: to('blue', steady),
      },
    },
  }
  return { config, places, queues: { suffers, steady }, dead }
}

/** The other route carries, and this one holds what it may and no more. */
async function held(bridge: BridgeProcess, steady: string, bodies: readonly Uint8Array[]): Promise<void> {
  await arrived(aws, steady, bodies)
  const messages = await bridge.metric('sluice_messages_buffered', { route: 'suffers' })
  assert.ok(messages <= limit, `${messages} messages are held`)
}

const faults: Record<
  string,
  {
    begin: (queue: string, aws: TestAws, dns: ReturnType<typeof dnsOutage>) => Promise<() => unknown>
    reason: RegExp
  }
> = {
  'is down': {
    begin: async (_, { faults }) => {
      await faults.goDown()
      return () => faults.comeUp()
    },
    reason: /cannot be reached/,
  },
  throttles: {
    begin: async (_, { faults }) => {
      const fault = faults.failCalls({ action: 'SendMessageBatch', code: 'ThrottlingException', status: 400 })
      return () => fault.end()
    },
    reason: /throttles/,
  },
  'denies access': {
    begin: async (_, { faults }) => {
      const fault = faults.failCalls({ action: 'SendMessageBatch', code: 'AccessDenied', status: 403 })
      return () => fault.end()
    },
    reason: /denied access.*sqs:SendMessage/,
  },
  'cannot use its KMS key': {
    begin: async (_, { faults }) => {
      const fault = faults.failCalls({
        action: 'SendMessageBatch',
        code: 'KMS.AccessDeniedException',
        status: 400,
      })
      return () => fault.end()
    },
    reason: /the KMS key of queue .* cannot be used/,
  },
  'takes the token for expired': {
    begin: async (_, { faults }) => {
      const fault = faults.failCalls({ code: 'ExpiredToken', status: 403 })
      return () => fault.end()
    },
    reason: /does not accept the credentials/,
  },
  'has no address': {
    begin: async (_, { faults }, dns) => {
      dns.begin()
      // Connections that are open need no address.
      await faults.goDown()
      await faults.comeUp()
      return () => dns.end()
    },
    reason: /cannot be reached/,
  },
  'fails every entry': {
    begin: async (_, { faults }) => {
      const fault = faults.failEntries({ code: 'InternalError', when: () => true })
      return () => fault.end()
    },
    reason: /SQS fails/,
  },
  'has lost the queue': {
    begin: async (queue, { sqs, createQueue, emulator }) => {
      await sqs.send(new DeleteQueueCommand({ QueueUrl: emulator.inspectQueue(queue)!.url }))
      return () => createQueue(queue)
    },
    reason: /does not exist/,
  },
  'answers nothing': {
    begin: async (_, { faults }) => {
      const fault = faults.leaveUnanswered({ action: 'SendMessageBatch' })
      return () => fault.end()
    },
    reason: /did not answer in time/,
  },
}

function suite(source: SourceCase, broker: Broker): void {
  suiteAws(started => {
    aws = started
  })
  describe('while its target', () => {
    let open: OpenSource
    let bridge: BridgeProcess
    let setting: Awaited<ReturnType<typeof twoRoutes>>
    let dns: ReturnType<typeof dnsOutage>
    const ends: (() => unknown)[] = []
    before(async () => {
      const context = { after: (end: () => unknown) => void ends.push(end) } as TestContext
      open = await source.open(broker)
      setting = await twoRoutes(context, open)
      for (const queue of Object.values(setting.queues)) await aws.createQueue(queue)
      dns = dnsOutage(context)
      const { endpoint, ...more } = awsConnection('sqs', aws)
      const cloud = { ...more, endpoint: endpoint.replace('127.0.0.1', localName) }
      const { config } = setting
      const connections = { ...config.connections, cloud }
      bridge = await runBridge(context, { ...config, connections }, dns.environment)
      await bridge.connected()
    })
    after(async () => {
      for (const end of ends) await end()
      await open.close()
    })

    for (const [title, { begin, reason }] of Object.entries(faults)) {
      test(`${title}, waits and loses nothing; another route goes on`, async () => {
        const { places, queues, dead } = setting
        const opened = await bridge.metric('sluice_breakers_opened_total', { route: 'suffers' })
        const before = numbered(50, `${title} before `)
        await open.produce(places.suffers, before)
        await arrived(aws, queues.suffers, before)

        const end = await begin(queues.suffers, aws, dns)
        const [during, meanwhile] = [numbered(400, title), numbered(400, title)]
        await open.produce(places.suffers, during)
        await open.produce(places.steady, meanwhile)
        await until(
          async () => (await bridge.metric('sluice_breakers_opened_total', { route: 'suffers' })) > opened,
          { what: 'the breaker to open', timeout: 30_000 },
        )
        await held(bridge, queues.steady, meanwhile)
        assert.equal(await bridge.metric('sluice_breakers_opened_total', { route: 'steady' }), 0)
        await bridge.logged({ route: 'suffers', msg: /breaker open/, reason })

        await end()
        await arrived(aws, queues.suffers, during)
        await until(async () => (await bridge.metric('sluice_messages_buffered')) === 0, {
          what: 'all to be settled',
        })
        assert.equal(await bridge.metric('sluice_breaker_state', { route: 'suffers' }), 0)
        assert.deepEqual(await dead.letters(), [])
      })
    }
  })

  test('begins with a target that is not there, and carries once it is', async t => {
    const open = await source.open(broker)
    t.after(() => open.close())
    const { config, places, queues, dead } = await twoRoutes(t, open)
    await aws.createQueue(queues.steady)
    const bridge = await runBridge(t, config)
    const bodies = numbered(300)
    await open.produce(places.suffers, bodies)
    await open.produce(places.steady, bodies)
    const reason = new RegExp(`queue ${queues.suffers} does not exist in region`)
    await bridge.logged({ route: 'suffers', link: 'main', msg: /trying again/, reason })
    await held(bridge, queues.steady, bodies)
    await aws.createQueue(queues.suffers)
    await arrived(aws, queues.suffers, bodies)
    assert.equal(await bridge.stop(), 0)
    assert.deepEqual(await dead.letters(), [])
  })
}

await describeOnBroker(sources.amqp10Rabbit4.broker, 'the bridge', broker =>
  suite(sources.amqp10Rabbit4, broker),
)

for (const source of oneOfEach) {
  await describeOnBroker(source.broker, `the bridge from ${source.title} while its broker`, broker => {
    suiteAws(started => {
      aws = started
    })
    const outage = async (t: TestContext, begin: (proxy: Awaited<ReturnType<typeof startProxy>>) => void) => {
      const open = await source.open(broker)
      t.after(() => open.close())
      await using proxy = await startProxy(open.address)
      const { config, places, queues, dead } = await twoRoutes(t, open)
      for (const queue of Object.values(queues)) await aws.createQueue(queue)
      const { connection } = open.config(places.suffers, proxy)
      const bridge = await runBridge(t, {
        ...config,
        connections: {
          ...config.connections,
          away: { ...connection, heartbeat: '1s', connect_timeout: '1s' },
        },
        routes: {
          ...config.routes,
          suffers: { ...config.routes.suffers, from: { ...config.routes.suffers.from, connection: 'away' } },
        },
      })
      await bridge.connected()
      await open.produce(places.suffers, numbered(50, 'before'))
      await arrived(aws, queues.suffers, numbered(50, 'before'))

      begin(proxy)
      const bodies = numbered(300)
      await open.produce(places.suffers, bodies)
      await open.produce(places.steady, bodies)
      await bridge.logged({ route: 'suffers', link: 'source', msg: /trying again/ })
      await held(bridge, queues.steady, bodies)
      assert.equal(await bridge.metric('sluice_source_up', { route: 'suffers' }), 0)
      assert.equal(bodiesIn(aws, queues.suffers).filter(b => b.startsWith('m')).length, 0)
      proxy.resume()
      await arrived(aws, queues.suffers, bodies)
      assert.equal(await bridge.stop(), 0)
      assert.deepEqual(await dead.letters(), [])
    }

    test('is away, comes back to it; another route goes on', t =>
      outage(t, proxy => {
        proxy.refuse()
        proxy.cut()
      }))

    test('is silent, notices, and comes back to it', t => outage(t, proxy => proxy.stall()))
  })
}
