import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Connection, EventContext } from 'rhea'
import { amqp10 } from '../../src/adapters/amqp10/index.ts'
import { until } from '../support/until.ts'
import { Peer, socketOf } from './amqp10-peer.ts'
import { Ends } from './amqp10-sink-ends.ts'

/** A server that takes what comes, and is RabbitMQ 3 by its name: queues are asked after. */
async function rabbit3(t: TestContext) {
  const connections: Connection[] = []
  const came: unknown[] = []
  const peer = await Peer.listen(t, container => {
    const listen = container.listen.bind(container)
    const properties = { product: 'RabbitMQ', version: '3.10.8' }
    container.listen = (at: object) => listen({ ...at, properties, tcp_no_delay: true } as never)
    container.on('connection_open', ({ connection }: EventContext) => connections.push(connection))
    container.on('receiver_open', ({ receiver }: EventContext) =>
      receiver!.set_target({ address: receiver!.target.address } as never),
    )
    container.on('message', ({ message }: EventContext) => came.push(message))
  })
  return { peer, connections, came }
}

const never = new AbortController().signal
const report = () => {}

describe('links of amqp10 on a connection that others use', () => {
  const openers = {
    'a sink with a fixed place': { sink: { queue: 'q' } },
    'a sink with places that messages choose': { sink: { queue: '${headers.place}' } },
    'a source': { source: { queue: 'q' } },
  }
  for (const [what, { sink, source }] of Object.entries(openers) as [
    string,
    { sink?: object; source?: object },
  ][]) {
    test(`${what} that was closed is held by nobody`, async t => {
      const { peer } = await rabbit3(t)
      const connection = amqp10.connection.parse({ urls: [`amqp://127.0.0.1:${peer.port}`] })
      const at = (options: object) => ({ connection, connectionName: 'c', route: 'r', options }) as never
      const context = { signal: never, report }
      const open = () =>
        sink
          ? amqp10.sink!.open(at(amqp10.sink!.options.parse(sink)), context)
          : amqp10.source!.open(at(amqp10.source!.options.parse(source)), report, context)
      const stays = await open()
      t.after(() => stays.close())
      const ended: WeakRef<object>[] = []
      for (let i = 0; i < 50; i++) {
        const link = await open()
        ended.push(new WeakRef(link), new WeakRef(link.closed))
        await link.close()
      }
      setFlagsFromString('--expose-gc')
      const alive = () => {
        runInNewContext('gc')()
        return ended.filter(ref => ref.deref()).length
      }
      await until(() => alive() <= 4, { timeout: 5_000, what: 'the ended links to be collected', every: 50 })
    })
  }

  test('messages wait while nobody says whether the queue is there, and their link stays', async t => {
    const { peer, connections, came } = await rabbit3(t)
    const address = { host: '127.0.0.1', port: peer.port }
    const ends = new Ends(t, { address, login: {} }, { connect_timeout: '100ms' })
    const sending = await ends.sink({ queue: 'q' })
    await sending.send({})
    const now = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => now() + 1_000)
    const socket = socketOf(connections[0]!)
    socket.pause()
    const send = sending.send({})
    setTimeout(() => socket.resume(), 300)
    await send
    assert.equal(came.length, 2)
    assert.equal(peer.senders.length >= 2, true)
  })
})
