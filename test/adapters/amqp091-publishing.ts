import assert from 'node:assert/strict'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { queryObjects } from 'node:v8'
import { type AmqpConnection, openConnection } from '../../src/adapters/amqp091/connection.ts'
import { amqp091 } from '../../src/adapters/amqp091/index.ts'
import { LookUp } from '../../src/adapters/amqp091/look-up.ts'
import type { ConnectionOptions } from '../../src/adapters/amqp091/options.ts'
import { Publisher } from '../../src/adapters/amqp091/publisher.ts'
import { within } from '../../src/adapters/shared/within.ts'
import type { Endpoint, LinkEvent, Prepared, Sink } from '../../src/core/adapter.ts'
import { LinkLost, MessageRefused, SinkUnavailable, sentence } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { type OwnBroker, startOwnBroker } from '../support/brokers.ts'
import { startProxy } from '../support/proxy.ts'
import { rabbitmqctl } from '../support/rabbitmqctl.ts'
import { until } from '../support/until.ts'
import { RabbitBench } from './amqp091-bench.ts'
import { blocked, methodFrame } from './amqp091-frames.ts'
import { quorum } from './amqp091-rabbit.ts'
import type { TcpAddress } from './fixture.ts'

const never = new AbortController().signal

/** An open sink and what it was opened with. */
class Publishing {
  readonly sink: Sink
  readonly events: LinkEvent[]
  readonly #prepare: (message: Message) => Prepared

  constructor(sink: Sink, events: LinkEvent[], prepare: (message: Message) => Prepared) {
    this.sink = sink
    this.events = events
    this.#prepare = prepare
  }

  prepare(address: string, body: string): Prepared {
    const bytes = Buffer.from(body)
    return this.#prepare({ address, body: { kind: 'bytes', bytes }, headers: {}, properties: {} })
  }

  send(address: string, body: string): Promise<object> {
    return this.sink.send(this.prepare(address, body), never)
  }
}

type At = Endpoint<never, never>

function endpoint(
  { login, rabbit }: RabbitBench,
  written: object,
  more: { via?: TcpAddress; user?: string } = {},
): At {
  const { host, port } = more.via ?? rabbit.address
  const user = more.user ? { username: more.user, password: 'sluice-test' } : login()
  return {
    connection: amqp091.connection.parse({ urls: [`amqp://${host}:${port}`], ...user }),
    connectionName: 'test',
    route: 'test',
    options: amqp091.sink!.options.parse(written),
  } as unknown as At
}

async function open(t: TestContext, at: At): Promise<Publishing> {
  const kind = amqp091.sink!
  const events: LinkEvent[] = []
  const sink = await kind.open(at, { signal: t.signal, report: event => events.push(event) })
  t.after(() => sink.close())
  return new Publishing(sink as unknown as Sink, events, message => kind.prepare(at, sink.limits, message))
}

const refused = (says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MessageRefused, sentence(error))
  assert.match(sentence(error), says)
  return true
}

const unavailable = (says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SinkUnavailable, sentence(error))
  assert.match(sentence(error), says)
  return true
}

async function api({ broker }: RabbitBench, method: string, path: string, body?: object): Promise<void> {
  const { username, password, host, ports } = broker
  const answer = await fetch(`http://${host}:${ports.http}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${btoa(`${username}:${password}`)}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.text()}`)
}

/** What is the sink's own: exchanges, returns, channel errors, replies, blocked publishers. */
export function publishing(bench: RabbitBench): void {
  const unique = () => `sluice-test-${crypto.randomUUID()}`

  async function exchange(t: TestContext, type = 'direct'): Promise<string> {
    const name = unique()
    await bench.rabbit.channel.assertExchange(name, type)
    t.after(() => bench.rabbit.channel.deleteExchange(name))
    return name
  }

  /** A queue that gets what is published with its name. */
  async function bound(name: string): Promise<string> {
    const queue = await bench.rabbit.declare()
    await bench.rabbit.channel.bindQueue(queue, name, queue)
    return queue
  }

  const there = (queue: string, count: number) => bench.ready(queue, count)

  test('what is returned is the fault of the message where a template chose any part of its place', async t => {
    const name = await exchange(t)
    const queue = await bound(name)
    const to = await open(t, endpoint(bench, { exchange: name, routing_key: '${headers.key}' }))
    const sends = [1, 2, 3].map(i => to.send(`${name}\0${queue}`, `good ${i}`))
    await assert.rejects(
      to.send(`${name}\0nowhere`, 'bad'),
      refused(/no queue is bound .*nowhere.*312 NO_ROUTE/),
    )
    await Promise.all(sends)
    await there(queue, 3)
    const fixed = await open(t, endpoint(bench, { exchange: name, routing_key: 'nowhere' }))
    await assert.rejects(fixed.send(`${name}\0nowhere`, 'bad'), unavailable(/no queue is bound .*nowhere/))
    await fixed.sink.check(t.signal)
  })

  test('of messages that differ in their bodies alone, the one that no queue took is refused', async t => {
    const queue = await bench.rabbit.declare()
    const to = await open(t, endpoint(bench, { queue: '${headers.to}' }))
    const fates: Promise<PromiseSettledResult<object>[]>[] = []
    for (let i = 0; i < 200; i++) {
      fates.push(Promise.allSettled([to.send(queue, `to be ${i}`)]))
      if (i === 100) await bench.rabbit.remove(queue)
    }
    const results = (await Promise.all(fates)).flat()
    const first = results.findIndex(r => r.status === 'rejected')
    assert.ok(first >= 0)
    assert.ok(results.slice(first).every(r => r.status === 'rejected' && r.reason instanceof MessageRefused))
  })

  test('a message is not refused for another that was returned with other properties than it was sent with', async t => {
    const via = await bench.impostor(t)
    via.rewrite = [/lost/g, () => 'LOST']
    const [name, queue] = [await exchange(t, 'headers'), await bench.rabbit.declare(quorum)]
    await bench.rabbit.channel.bindQueue(queue, name, '', { fate: 'kept' })
    const at = endpoint(bench, { exchange: name, routing_key: '${headers.k}' }, { via: via.address })
    const to = await open(t, at)
    const fates = ['kept', 'lost', 'kept', 'lost']
    const all = fates.map(fate =>
      amqp091.sink!.prepare(at, to.sink.limits, {
        address: `${name}\0k`,
        body: { kind: 'bytes', bytes: Buffer.from('the same') },
        headers: { fate: { type: 'string', value: fate } },
        properties: {},
      }),
    )
    const outcomes = all.map(async prepared => {
      const send = () =>
        to.sink.send(prepared, never).then(
          () => 'kept',
          error => (error instanceof MessageRefused ? 'lost' : error),
        )
      const first = await send()
      return first instanceof SinkUnavailable ? send() : first
    })
    assert.deepEqual(await Promise.all(outcomes), fates)
  })

  test('an exchange that is not there costs the message that names it, and no other', async t => {
    const [name, queue] = [await exchange(t), await bench.rabbit.declare()]
    await bench.rabbit.channel.bindQueue(queue, name, 'k')
    const to = await open(t, endpoint(bench, { exchange: '${headers.e}', routing_key: 'k' }))
    const sends: Promise<object>[] = []
    const refusals: Promise<void>[] = []
    for (let i = 0; i < 60; i++) {
      sends.push(to.send(`${name}\0k`, `good ${i}`))
      if (i % 10 === 5) {
        refusals.push(
          assert.rejects(to.send(`missing-${i}\0k`, 'bad'), refused(/exchange missing-.*does not exist/)),
        )
      }
    }
    await Promise.all([...sends, ...refusals])
    const channel = bench.rabbit.channel
    const bodies: string[] = []
    for (let i = 0; i < 60; i++) {
      const message = await channel.get(queue, { noAck: true })
      bodies.push(String(message ? message.content : ''))
    }
    assert.deepEqual(
      bodies,
      Array.from({ length: 60 }, (_, i) => `good ${i}`),
    )
    await assert.rejects(open(t, endpoint(bench, { exchange: 'missing' })), unavailable(/exchange missing/))
  })

  test('an exchange that is taken away costs one link, and then the messages that name it', async t => {
    const gone = unique()
    await bench.rabbit.channel.assertExchange(gone, 'fanout')
    const name = await exchange(t)
    const queue = await bound(name)
    await bench.rabbit.channel.bindQueue(queue, gone, '')
    const at = endpoint(bench, { exchange: '${headers.e}', routing_key: '${headers.k}' })
    const first = await open(t, at)
    await first.send(`${gone}\0${queue}`, 'before')
    await first.send(`${name}\0${queue}`, 'before')
    await bench.rabbit.channel.deleteExchange(gone)
    const bad = first.prepare(`${gone}\0${queue}`, 'bad')
    const lost = assert.rejects(first.sink.send(bad, never), LinkLost)
    await lost
    assert.match(sentence(await first.sink.closed), /404/)
    const next = await open(t, at)
    const good = next.send(`${name}\0${queue}`, 'after')
    await assert.rejects(next.sink.send(bad, never), refused(new RegExp(`exchange ${gone}.* does not exist`)))
    await good
    await there(queue, 3)
  })

  test('one error for all that a cut, or a channel that the broker closes, has cost', async t => {
    const proxy = await startProxy(bench.rabbit.address)
    t.after(() => proxy.close())
    const [name, other] = [await exchange(t), await exchange(t)]
    await bound(name)
    const errors = async (to: Publishing, places: readonly string[], end: () => unknown) => {
      const sends = places.flatMap(place => [1, 2, 3].map(i => to.send(place, `${i}`)))
      const fates = Promise.allSettled(sends)
      await end()
      return new Set((await fates).map(f => (f.status === 'rejected' ? f.reason : undefined)))
    }
    const chosen = { exchange: '${headers.e}', routing_key: 'k' }
    const first = await open(t, endpoint(bench, chosen, { via: proxy }))
    await assert.rejects(first.send(`${name}\0k`, 'none is bound'), MessageRefused)
    const ofCut = await errors(first, [`${name}\0k`, `${other}\0k`], () => proxy.cut())
    const [cut] = ofCut
    assert.equal(ofCut.size, 1)
    assert.ok(cut instanceof LinkLost)
    assert.match(sentence(cut), /the connection to .* was lost/)
    const second = await open(t, endpoint(bench, { exchange: name, routing_key: 'k' }))
    await bench.rabbit.channel.deleteExchange(name)
    const ofClosed = await errors(second, [`${name}\0k`], () => second.sink.closed)
    const [closed] = ofClosed
    assert.equal(ofClosed.size, 1)
    assert.ok(closed instanceof LinkLost)
    assert.match(sentence(closed), /no exchange/)
    assert.equal(await second.sink.closed, closed)
  })

  test('what the user may not do costs the message, and no other; for a fixed exchange it is the target', async t => {
    const user = unique()
    const [allowed, forbidden] = [await exchange(t), await exchange(t)]
    const queue = await bound(allowed)
    await api(bench, 'PUT', `/users/${user}`, { password: 'sluice-test', tags: '' })
    t.after(() => api(bench, 'DELETE', `/users/${user}`))
    const rights = { configure: '', write: `^${allowed}$`, read: '' }
    await api(bench, 'PUT', `/permissions/%2F/${user}`, rights)
    const to = await open(t, endpoint(bench, { exchange: '${headers.e}', routing_key: queue }, { user }))
    for (let round = 0; round < 3; round++) {
      const good = [1, 2, 3].map(i => to.send(`${allowed}\0${queue}`, `good ${i}`))
      await assert.rejects(to.send(`${forbidden}\0${queue}`, 'bad'), refused(/may not send to exchange/))
      await Promise.all(good)
    }
    await there(queue, 9)
    const at = endpoint(bench, { exchange: forbidden, routing_key: queue }, { user })
    const first = await open(t, at)
    await assert.rejects(first.send(`${forbidden}\0${queue}`, 'bad'), LinkLost)
    await first.sink.closed
    const next = await open(t, at)
    await assert.rejects(next.send(`${forbidden}\0${queue}`, 'bad'), unavailable(/may not send to exchange/))
  })

  test('a routing key that the user may not use is found on the next link, and its neighbours go on', async t => {
    const user = unique()
    const name = await exchange(t, 'topic')
    const queue = await bench.rabbit.declare()
    await bench.rabbit.channel.bindQueue(queue, name, '#')
    await api(bench, 'PUT', `/users/${user}`, { password: 'sluice-test', tags: '' })
    t.after(() => api(bench, 'DELETE', `/users/${user}`))
    await api(bench, 'PUT', `/permissions/%2F/${user}`, { configure: '', write: '.*', read: '' })
    await api(bench, 'PUT', `/topic-permissions/%2F/${user}`, { exchange: name, write: '^ok', read: '' })
    const at = endpoint(bench, { exchange: name, routing_key: '${headers.k}' }, { user })
    const first = await open(t, at)
    const keys = ['ok.1', 'no.1', 'ok.2', 'no.2']
    const all = keys.map(key => first.prepare(`${name}\0${key}`, key))
    await Promise.allSettled(all.map(p => first.sink.send(p, never)))
    await first.sink.closed
    const next = await open(t, at)
    const fates = await Promise.allSettled(all.map(p => next.sink.send(p, never)))
    assert.deepEqual(
      fates.map(f => (f.status === 'rejected' ? (f.reason as Error).name : 'taken')),
      ['taken', 'MessageRefused', 'taken', 'MessageRefused'],
    )
    await next.send(`${name}\0ok.3`, 'ok.3')
  })

  test('a queue that is full and rejects is the target, and the sink goes on', async t => {
    for (const kind of [{}, quorum.arguments]) {
      const args = { ...kind, 'x-max-length': 1, 'x-overflow': 'reject-publish' }
      const queue = await bench.rabbit.declare({ arguments: args })
      const to = await open(t, endpoint(bench, { queue }))
      const send = () => to.send(queue, 'x')
      await until(() => send().then(() => false, unavailable(/queue there is full/)), {
        what: 'a full queue',
      })
      await bench.rabbit.channel.purgeQueue(queue)
      await until(() => send().then(() => true), { what: 'room' })
    }
  })

  test('CC and BCC of a message send no copies', async t => {
    const [queue, other] = [await bench.rabbit.declare(), await bench.rabbit.declare()]
    const at = endpoint(bench, { queue })
    const to = await open(t, at)
    const list = { type: 'list', value: [{ type: 'string', value: other }] } as const
    for (const headers of [{ CC: list }, { BCC: list }, { CC: { type: 'string', value: other } as const }]) {
      const message: Message = { address: queue, body: { kind: 'none' }, headers, properties: {} }
      const prepared = amqp091.sink!.prepare(at, to.sink.limits, message)
      await to.sink.send(prepared, never)
    }
    await there(queue, 3)
    assert.equal(await bench.rabbit.ready(other), 0)
  })

  test('replies to a client that waits for them, and refuses them when it is gone', async t => {
    const { host, port } = bench.rabbit.address
    const { connect } = await import('amqplib')
    const requester = await connect({ hostname: host, port, ...bench.login() })
    const channel = await requester.createChannel()
    const requests = await bench.rabbit.declare()
    const replies: string[] = []
    await channel.consume('amq.rabbitmq.reply-to', m => replies.push(String(m?.content)), { noAck: true })
    channel.sendToQueue(requests, Buffer.from('?'), { replyTo: 'amq.rabbitmq.reply-to' })
    await there(requests, 1)
    const request = await bench.rabbit.channel.get(requests, { noAck: true })
    const address = request && (request.properties.replyTo as string)
    assert.ok(address)
    const to = await open(t, endpoint(bench, { address: '${address}' }))
    await Promise.all([1, 2, 3, 4].map(i => to.send(address, `reply ${i}`)))
    await until(() => replies.length === 4, { what: 'the replies' })
    assert.deepEqual(replies, ['reply 1', 'reply 2', 'reply 3', 'reply 4'])
    await requester.close()
    const queue = await bench.rabbit.declare()
    const neighbours = [1, 2, 3].map(i => to.send(queue, `${i}`))
    await assert.rejects(within(5_000, 'THE TEST', to.send(address, 'late')), refused(/requester .* is gone/))
    await Promise.all(neighbours)
    await assert.rejects(to.send(address, 'later'), refused(/requester .* is gone/))
    await there(queue, 3)
  })

  test('look-ups, and channels that come and go, leave nothing on their connection', async t => {
    const { connection: options } = endpoint(bench, { queue: 'any' })
    const connection: AmqpConnection = await openConnection(options as ConnectionOptions, 'test')
    t.after(() => connection.close())
    const lookUp = new LookUp(connection, 5_000)
    const queue = await bench.rabbit.declare()
    const promisesAfter = async (times: number, work: () => Promise<void>) => {
      for (let i = 0; i < times; i++) await work()
      return queryObjects(Promise, { format: 'count' })
    }
    const works = [
      () => lookUp.queue(queue),
      async () => (await Publisher.open(connection, t.signal)).close(),
    ]
    for (const work of works) {
      const few = await promisesAfter(10, work)
      const many = await promisesAfter(300, work)
      assert.ok(many - few < 100, `${many - few} promises are left of 300 times`)
    }
  })

  test('a sink that is closed leaves nothing on the connection that others hold', async t => {
    const queue = await bench.rabbit.declare()
    const at = endpoint(bench, { queue })
    await open(t, at)
    const context = { signal: t.signal, report: () => {} }
    const publishers = () => queryObjects(Publisher, { format: 'count' })
    const before = publishers()
    for (let i = 0; i < 20; i++) await (await amqp091.sink!.open(at, context)).close()
    assert.ok(publishers() - before < 10, `${publishers() - before} of 20 are left`)
  })

  test('waits while the broker blocks its publishers, and says so', async t => {
    const via = await bench.impostor(t)
    const queue = await bench.rabbit.declare()
    const at = endpoint(bench, { queue, send_timeout: '700ms' }, { via: via.address })
    const to = await open(t, at)
    await to.send(queue, 'before')
    via.say(blocked('low on memory'))
    await until(() => to.events.length > 0, { what: 'the notice' })
    const heard = via.heard.length
    await assert.rejects(to.send(queue, 'too long'), unavailable(/did not confirm .* 0.7 s/))
    const waiting = to.send(queue, 'waits')
    await pause(100)
    assert.equal(via.heard.length, heard, 'nothing is written meanwhile')
    via.say(methodFrame(0, 10, 61))
    await waiting
    const said = to.events.map(e => (e.type === 'notice' ? e.text : ''))
    assert.match(said[0]!, /low on memory/)
    assert.match(said[1]!, /takes messages .* again/)
    await there(queue, 2)
  })
}

/** What is done to a broker of the test's own. */
export function ownBroker(name: 'rabbitmq3'): void {
  describe(`a ${name} of its own`, () => {
    let own: OwnBroker
    let bench: RabbitBench
    before(
      async () => {
        own = await startOwnBroker(name)
        bench = new RabbitBench(own.broker)
        await bench.connect()
      },
      { timeout: 120_000 },
    )
    after(async () => {
      await bench?.rabbit.close()
      await own?.[Symbol.asyncDispose]()
    })

    test('sends what waits when a memory alarm is over', async t => {
      const queue = await bench.rabbit.declare()
      const to = await open(t, endpoint(bench, { queue }))
      await to.send(queue, 'before')
      await rabbitmqctl(own.broker, 'set_vm_memory_high_watermark', '0.0000001')
      const sends = Array.from({ length: 50 }, (_, i) => to.send(queue, `${i}`))
      let confirmed = 0
      for (const send of sends) void send.then(() => confirmed++)
      await until(() => to.events.length > 0, { what: 'the notice' })
      await pause(300)
      assert.equal(confirmed, 0)
      await rabbitmqctl(own.broker, 'set_vm_memory_high_watermark', '0.6')
      await Promise.all(sends)
      await until(() => to.events.length === 2, { what: 'the notice that it is over' })
      await bench.ready(queue, 51)
    })

    test('finds the message that is larger than the broker takes, and learns what that is', async t => {
      const queue = await bench.rabbit.declare()
      await rabbitmqctl(own.broker, 'eval', 'application:set_env(rabbit, max_message_size, 1000).')
      const at = endpoint(bench, { queue: '${headers.to}' })
      const first = await open(t, at)
      assert.equal(first.sink.limits.maxMessageSize, 128 * 2 ** 20)
      const bodies = Array.from({ length: 40 }, (_, i) => (i === 20 ? 'x'.repeat(1001) : `${i}`))
      const all = bodies.map(body => first.prepare(queue, body))
      const fates = await Promise.allSettled(all.map(p => first.sink.send(p, never)))
      assert.match(sentence(await first.sink.closed), /larger than configured max size 1000/)
      const left = all.filter((_, i) => fates[i]!.status === 'rejected')
      const next = await open(t, at)
      assert.equal(next.sink.limits.maxMessageSize, 1000)
      const again = await Promise.allSettled(left.map(p => next.sink.send(p, never)))
      const failed = again.flatMap((f, i) => (f.status === 'rejected' ? [[left[i], f.reason] as const] : []))
      assert.equal(failed.length, 1)
      assert.equal(failed[0]![0], all[20])
      refused(/the broker refused the message .* larger than configured max size 1000/)(failed[0]![1])
      assert.throws(() => next.prepare(queue, 'x'.repeat(1001)), refused(/1001 bytes .* 1000/))
    })
  })
}
