import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import rhea from 'rhea'
import { within } from '../../src/adapters/shared/within.ts'
import { stomp } from '../../src/adapters/stomp/index.ts'
import { LinkLost, MessageRefused, SinkUnavailable, sentence } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { text } from '../../src/core/value.ts'
import { anyMessage } from '../support/any-message.ts'
import { type Broker, describeOnBroker } from '../support/brokers.ts'
import { until } from '../support/until.ts'
import { Consumer, parse } from './consumer.ts'
import type { RawTarget, SinkFixture } from './sink-fixture.ts'
import { ids, never, type Producer, sinkBenchOf, type Target } from './sink-promises/bench.ts'
import { keep } from './sink-promises/keeping.ts'
import { type StompMessage, StompReader } from './stomp-reader.ts'
import { stompSinkFixture } from './stomp-sink-brokers.ts'

const hour = 3_600_000

for (const name of ['activemq', 'artemis', 'rabbitmq3', 'rabbitmq4'] as const) {
  const isRabbit = name.startsWith('rabbit')

  await describeOnBroker(name, 'STOMP sink', running => {
    let fixture: SinkFixture<StompMessage>
    let target: (sink: RawTarget['sink'], via?: object) => Target
    before(async () => {
      fixture = await stompSinkFixture(running)
      target = (sink, via = {}) => {
        const { connection } = fixture.endpoint('')
        return sinkBenchOf(stomp, fixture).targets({ connection: { ...connection, ...via }, sink })[0]!
      }
    })
    after(() => fixture?.close())

    const open = async (t: TestContext, sink: RawTarget['sink'], via?: object): Promise<Producer> =>
      (await target(sink, via).open()).closeAfter(t)
    const read = async (queue: string, count: number): Promise<StompMessage[]> => {
      const came: StompMessage[] = []
      await within(
        10_000,
        `reading ${count}`,
        fixture.read(queue, ({ native }) => came.push(native) === count),
      )
      return came
    }
    const source = async (t: TestContext, queue: string): Promise<Consumer> => {
      const { connection } = fixture.endpoint(queue)
      const at = parse(stomp, queue, { connection, source: { queue } })
      return (await Consumer.open(stomp, at)).closeAfter(t)
    }
    const message = (queue: string, more: Partial<Message>): Message => ({
      address: queue,
      body: { kind: 'text', text: 'x' },
      headers: {},
      properties: {},
      ...more,
    })

    test('any message out and back is itself', async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      const wanted = fc.sample(anyMessage, { numRuns: 250, seed: 7 }).map((sample, n): Message => {
        const { expiresAt, deduplicationId: _, ...properties } = sample.properties
        return {
          address: queue,
          body: sample.body,
          headers: { ...sample.headers, n: { type: 'int32', value: n } },
          properties: {
            ...properties,
            ...(expiresAt !== undefined && { expiresAt: Date.now() + hour + (expiresAt % hour) }),
            trail: 'here',
          },
        }
      })
      const sent = wanted.filter(m => {
        try {
          target.prepare(sink.limits, m)
          return true
        } catch (error) {
          assert.ok(error instanceof MessageRefused, String(error))
          assert.match(error.message, /characters that a header cannot have|__proto__/)
          return false
        }
      })
      assert.ok(sent.length > 200, `${sent.length} of them can be carried`)
      await Promise.all(sent.map(m => sink.send(target.prepare(sink.limits, m), never)))
      const consumer = await source(t, queue)
      consumer.grant(sent.length)
      // ActiveMQ hands the last of a queue with persistent and other messages out only after an acknowledgement.
      for (let settled = 0; settled < sent.length; settled++) {
        await until(() => consumer.deliveries.length > settled, { what: `delivery ${settled}` })
        await consumer.deliveries[settled]!.settle('accepted')
      }
      const byNumber = new Map(consumer.deliveries.map(d => [numberOf(d.message), d]))
      for (const m of sent) {
        const { message: back, fault } = byNumber.get(numberOf(m))!
        assert.equal(fault, undefined)
        assert.deepEqual(plain(back.body), plain(m.body))
        assert.deepEqual(plain(back.headers), plain(m.headers))
        const properties = Object.fromEntries(
          Object.keys(m.properties).map(k => [k, back.properties[k as 'trail']]),
        )
        assert.deepEqual(plain(properties), plain(m.properties))
      }
    })

    test('JMS clients read text as text and bytes as bytes', {
      skip: isRabbit && 'RabbitMQ knows bytes alone',
    }, async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      for (const body of [
        { kind: 'text', text: 'Gr\u00fc\u00dfe' },
        { kind: 'bytes', bytes: Buffer.from('bytes') },
        { kind: 'map', entries: [[text('a'), { type: 'int32', value: 1 }]] },
        { kind: 'text', text: 'a\0b' },
      ] as const) {
        await sink.send(target.prepare(sink.limits, message(queue, { body })), never)
      }
      const bodies = await readByAmqp(running, queue, 4)
      // Artemis takes any body with a length for bytes, and text with NUL cannot go without.
      const last = name === 'activemq' ? 'a\0b' : Buffer.from('a\0b')
      assert.deepEqual(bodies, ['Gr\u00fc\u00dfe', Buffer.from('bytes'), '{"a":1}', last])
    })

    test('an expiry and a priority are the broker\u2019s own', async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      const soon = Date.now() + hour
      const properties = { expiresAt: soon, priority: 6, groupId: 'g' }
      await sink.send(target.prepare(sink.limits, message(queue, { properties })), never)
      const [{ headers }] = (await read(queue, 1)) as [StompMessage]
      assert.equal(headers.get('priority'), '6')
      if (isRabbit) assert.ok(Math.abs(Number(headers.get('expiration')) - hour) < 10_000, 'time left')
      else assert.equal(headers.get('expires'), String(soon))
      if (name === 'artemis') assert.equal(headers.get('_AMQ_GROUP_ID'), 'g')
    })

    test('an expiry farther than the broker counts stays what it was, and ends no link', async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      const times = [Date.now() + 2 ** 32 + hour, Date.UTC(9999, 11, 31), 2 ** 53 - 1, 2 ** 53, 2 ** 63]
      const sent = times.map(expiresAt => message(queue, { properties: { expiresAt } }))
      await Promise.all(sent.map(m => sink.send(target.prepare(sink.limits, m), never)))
      const consumer = await source(t, queue)
      const came = (await consumer.take(times.length)).map(d => d.message)
      assert.deepEqual(came.map(m => m.properties.expiresAt).toSorted(), times.toSorted())
      for (const { headers } of came) assert.deepEqual(plain(headers), plain({}))
    })

    test('a delay is the broker\u2019s own or refused', async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      const late = message(queue, { properties: { delay: 1_000 } })
      if (isRabbit) {
        assert.throws(() => target.prepare(sink.limits, late), /delay of 1000 ms.*RabbitMQ does not delay/)
        return
      }
      const began = performance.now()
      await sink.send(target.prepare(sink.limits, late), never)
      const [came] = await read(queue, 1)
      if (name === 'artemis') assert.ok(performance.now() - began > 900, 'it came late')
      // The shared ActiveMQ has no scheduler (schedulerSupport), which leaves the header where it stands.
      else assert.equal(came!.headers.get('AMQ_SCHEDULED_DELAY'), '1000')
    })

    test('the same delivery sent twice arrives once where the broker looks', {
      skip: name !== 'artemis' && 'Artemis alone',
    }, async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      const properties = { deduplicationId: randomUUID() }
      for (const body of ['first', 'again']) {
        const prepared = target.prepare(
          sink.limits,
          message(queue, { body: { kind: 'text', text: body }, properties }),
        )
        await sink.send(prepared, never)
      }
      await sink.send(target.prepare(sink.limits, message(queue, {})), never)
      assert.deepEqual(
        (await read(queue, 2)).map(m => m.body.toString()),
        ['first', 'x'],
      )
    })

    test('a reply goes to the address that the consumer of the request was given', async t => {
      const queue = await fixture.create()
      const address = fixture.address
      const requester = await StompReader.open(address, running)
      t.after(() => requester.close())
      const own = name === 'artemis' ? `reply.${randomUUID()}` : '/temp-queue/mine'
      const answers: string[] = []
      const onReply = requester.answers(own, isRabbit, ({ body }) => answers.push(body.toString()) > 0)
      const to = name === 'artemis' ? queue : isRabbit ? `/amq/queue/${queue}` : `/queue/${queue}`
      const more = name === 'artemis' ? ['destination-type:ANYCAST'] : []
      requester.say('SEND', [`destination:${to}`, `reply-to:${own}`, 'correlation-id:c', ...more], 'question')
      const [request] = await (await source(t, queue)).take(1)
      const { replyTo, correlationId } = request!.message.properties
      const { sink, target } = await open(t, { address: '${address}' })
      const reply = message(replyTo!, {
        properties: { correlationId: correlationId! },
        body: { kind: 'text', text: 'answer' },
      })
      await sink.send(target.prepare(sink.limits, reply), never)
      await within(5_000, 'the answer', onReply)
      assert.deepEqual(answers, ['answer'])
      await request!.settle('accepted')
    })

    test('one that the broker finds fault with, and does not say so of it, is found among its neighbours', {
      skip: !isRabbit && 'the broker names the receipt',
    }, async t => {
      const queue = await fixture.create()
      const good = `/amq/queue/${queue}`
      for (const [bad, links, words] of [
        ['/temp-topic', 1, /not a valid destination/],
        ['/exchange/none-such/key', 3, /no exchange 'none-such'/],
        ['/exchange//key/more/and/more', 3, /the broker said/],
      ] as const) {
        const messages = ids(200).map(id => ({ id, name: good }))
        messages.splice(100, 0, { id: 'guilty', name: bad }, { id: 'too', name: bad })
        const chosen = target({ address: '${address}' })
        const kept = await keep({
          target: { ...chosen, message: (to, body) => ({ ...chosen.message(queue, body), address: to }) },
          messages,
          window: 300,
          signal: AbortSignal.timeout(20_000),
          links: links + 2,
        })
        assert.deepEqual([...kept.refused.keys()], ['guilty', 'too'])
        assert.match(sentence(kept.refused.get('guilty')), words)
        t.diagnostic(`${bad}: ${kept.links} links, ${kept.again} sent again`)
        const came = new Set((await read(queue, 200)).map(m => m.body.toString()))
        while (came.size < 200) for (const m of await read(queue, 1)) came.add(m.body.toString())
        assert.deepEqual(
          [...came].filter(id => id !== 'end'),
          ids(200),
        )
        await drain(fixture, t, target({ queue }), queue)
      }
    })

    test('a user who may not write is the fault of the target, and nothing is refused', {
      skip: !isRabbit && 'the users of the others are not made by a client',
    }, async t => {
      const queue = await fixture.create()
      const fixed = await open(t, { queue }, await userWho(t, running, { configure: '.*', write: '^$' }))
      await assert.rejects(fixed.send(queue, 'x'), error => {
        assert.ok(error instanceof SinkUnavailable, String(error))
        assert.match(error.message, /access_refused/)
        return true
      })
      assert.match(String(await fixed.sink.closed), /closed the connection/)
    })

    test('nothing is sent for a user who may not see whether the queue is there', {
      skip: !isRabbit && 'RabbitMQ alone',
    }, async t => {
      const queue = await fixture.create()
      const login = await userWho(t, running, { configure: '^$', write: '.*' })
      const words = new RegExp(`user ${login.username} .*${queue} exists.*permission 'configure'`)
      const refusal = (kind: typeof MessageRefused | typeof SinkUnavailable) => (error: unknown) => {
        assert.ok(error instanceof kind, String(error))
        assert.match(error.message, words)
        return true
      }
      await assert.rejects(open(t, { queue }, login), refusal(SinkUnavailable))
      const chosen = await open(t, { queue: '${q}' }, login)
      await assert.rejects(chosen.send(queue, 'x'), refusal(MessageRefused))
      await assert.rejects(chosen.send('amq.gen-x', 'x'), /begins with amq\./)
    })

    test('a queue that goes while messages are sent to it is missed within two seconds', {
      skip: !isRabbit && 'RabbitMQ alone',
    }, async t => {
      const queue = await fixture.create()
      for (const [to, kind] of [
        [{ queue }, SinkUnavailable],
        [{ queue: '${q}' }, MessageRefused],
      ] as const) {
        await apiOf(running)('PUT', `queues/%2F/${queue}`, { durable: true })
        const producer = await open(t, to)
        await producer.send(queue, 'x')
        await fixture.remove!(queue)
        const gone = performance.now()
        let last = gone
        const error = await until(
          () => {
            last = performance.now()
            return producer.send(queue, 'x').then(
              () => undefined,
              error => error,
            )
          },
          { what: 'the end of the queue to be seen' },
        )
        assert.ok(error instanceof kind, String(error))
        assert.match(error.message, /queue .* does not exist/)
        assert.ok(last - gone < 2_100, `sent ${last - gone} ms after the queue was gone`)
      }
    })

    test('a queue that is full and rejects holds a message up and does not refuse it', {
      skip: !isRabbit && 'RabbitMQ alone',
    }, async t => {
      const queue = `stomp-full-${randomUUID()}`
      const args = { 'x-max-length': 1, 'x-overflow': 'reject-publish' }
      await apiOf(running)('PUT', `queues/%2F/${queue}`, { durable: true, arguments: args })
      const to = target({ queue })
      const first = await open(t, { queue })
      const prepared = ids(2).map(id => to.prepare(first.sink.limits, to.message(queue, id)))
      await first.sink.send(prepared[0]!, never)
      const fates: unknown[] = []
      for (let link = 0; link < 6; link++) {
        const { sink } = (await to.open()).closeAfter(t)
        fates.push(await sink.send(prepared[1]!, never).catch(error => error))
        await sink.closed
      }
      assert.ok(
        fates.slice(0, 4).every(f => f instanceof LinkLost),
        fates.map(String).join(),
      )
      assert.match(
        String(fates.at(-1)),
        /^Error: sending to queue .* sent alone .* a queue full that rejects/,
      )
    })

    test('headers beyond what ActiveMQ takes are refused, and those within arrive', {
      skip: name !== 'activemq' && 'ActiveMQ alone',
    }, async t => {
      const queue = await fixture.create()
      const { sink, target } = await open(t, { queue })
      const long = (length: number) => message(queue, { headers: { h: text('x'.repeat(length - 2)) } })
      assert.throws(() => target.prepare(sink.limits, long(10_241)), /header h has 10241 bytes.*10240/)
      await sink.send(target.prepare(sink.limits, long(10_240)), never)
      const many = (count: number) =>
        message(queue, { headers: Object.fromEntries(ids(count).map(id => [id, text('x')])) })
      assert.throws(() => target.prepare(sink.limits, many(1_000)), /headers as STOMP counts them.*1000/)
      await sink.send(target.prepare(sink.limits, many(997)), never)
      const [, came] = await read(queue, 2)
      assert.equal(came!.headers.get('m996'), 'x')
    })
  })
}

const numberOf = ({ headers }: Message): number => (headers.n as { value: number }).value

/** Bytes whatever class they are of, and no prototypes. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
}

/** RabbitMQ's management over HTTP. */
const apiOf =
  ({ host, ports, username, password }: Broker) =>
  async (method: string, path: string, body?: object): Promise<void> => {
    const login = Buffer.from(`${username}:${password}`).toString('base64')
    const answer = await fetch(`http://${host}:${ports.http}/api/${path}`, {
      method,
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
    const said = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${said}`)
  }

/** The login of a user of RabbitMQ who may do no more than this. */
async function userWho(t: TestContext, running: Broker, may: { configure: string; write: string }) {
  const username = `stomp-${randomUUID()}`
  const api = apiOf(running)
  await api('PUT', `users/${username}`, { password: 'x', tags: '' })
  t.after(() => api('DELETE', `users/${username}`))
  await api('PUT', `permissions/%2F/${username}`, { ...may, read: '^$' })
  return { username, password: 'x' }
}

/** Takes away what repeats left behind. */
async function drain(
  fixture: SinkFixture<StompMessage>,
  t: TestContext,
  to: Target,
  queue: string,
): Promise<void> {
  const producer = (await to.open()).closeAfter(t)
  await producer.send(queue, 'end')
  await fixture.read(queue, ({ body }) => body.toString() === 'end')
}

/** Bodies as an AMQP 1.0 client reads them, where a JMS TextMessage is a string and a BytesMessage is data. */
async function readByAmqp(running: Broker, queue: string, count: number): Promise<unknown[]> {
  const connection = rhea.create_container().connect({
    host: running.host,
    port: running.ports.amqp!,
    username: running.username,
    password: running.password,
    reconnect: false,
  })
  const bodies: unknown[] = []
  connection.on('message', ({ message }) => {
    const { body } = message!
    bodies.push(typeof body === 'string' ? body : body.content)
  })
  connection.open_receiver(
    running.name === 'activemq'
      ? `queue://${queue}`
      : { source: { address: queue, capabilities: ['queue'] } },
  )
  await until(() => bodies.length >= count, { what: 'messages over AMQP' })
  connection.close()
  return bodies
}
