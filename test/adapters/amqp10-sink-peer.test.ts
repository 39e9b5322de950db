import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import type { Delivery, EventContext, Receiver } from 'rhea'
import { within } from '../../src/adapters/shared/within.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { until } from '../support/until.ts'
import { types } from './amqp10-client.ts'
import { Peer } from './amqp10-peer.ts'
import { Ends } from './amqp10-sink-ends.ts'
import { says } from './promises/expect.ts'

/** Ends at a server that settles, gives credit and detaches as a test wants it to. */
class Bench {
  readonly ends: Ends
  readonly deliveries: Delivery[]
  readonly receivers: Receiver[]
  /** With what links are refused from now on. */
  refuses: { readonly condition: string; readonly description: string } | undefined

  private constructor(ends: Ends, deliveries: Delivery[], receivers: Receiver[]) {
    this.ends = ends
    this.deliveries = deliveries
    this.receivers = receivers
  }

  static async open(t: TestContext, credit: number, sink: object = { queue: 'q' }, relays = false) {
    const deliveries: Delivery[] = []
    const receivers: Receiver[] = []
    let bench: Bench | undefined
    const peer = await Peer.listen(t, container => {
      const options = container.options as { receiver_options?: object }
      options.receiver_options = { credit_window: 0, autoaccept: false, autosettle: false }
      const listen = container.listen.bind(container)
      const offered = relays ? { offered_capabilities: ['ANONYMOUS-RELAY'] } : {}
      container.listen = (at: object) => listen({ ...at, ...offered, tcp_no_delay: true } as never)
      container.on('receiver_open', ({ receiver }: EventContext) => {
        if (bench?.refuses) return receiver!.close(bench.refuses)
        const { address } = receiver!.target
        receiver!.set_target((address === undefined ? {} : { address }) as never)
        receivers.push(receiver!)
        if (credit > 0) receiver!.add_credit(credit)
      })
      container.on('message', ({ delivery }: EventContext) => deliveries.push(delivery!))
    })
    const ends = new Ends(t, { address: { host: '127.0.0.1', port: peer.port }, login: {} })
    bench = new Bench(ends, deliveries, receivers)
    return { bench, sending: await ends.sink(sink) }
  }

  async came(count: number): Promise<readonly Delivery[]> {
    await until(() => this.deliveries.length >= count, { what: `${count} messages` })
    return this.deliveries
  }
}

/** Settles a range, or names the outcome of it and leaves the settling to the sender (section 2.7.6). */
function dispose(
  { session }: Receiver,
  first: number,
  last: number,
  settled: boolean,
  state: unknown = types.described(types.wrap_ulong(0x24), types.wrap_list([])),
): void {
  const fields = [true, types.wrap_uint(first), types.wrap_uint(last), settled, state]
  const frame = types.described(types.wrap_ulong(0x15), types.wrap_list(fields))
  ;(session as unknown as { output(frame: unknown): void }).output(frame)
}

describe('the amqp10 sink at a peer', () => {
  for (const [what, act, expected] of [
    ['released', (d: Delivery) => d.release(), SinkUnavailable],
    ['modified', (d: Delivery) => d.modified({ delivery_failed: true }), SinkUnavailable],
    [
      'rejected for what it is',
      (d: Delivery) => d.reject({ condition: 'amqp:decode-error', description: 'no such thing' }),
      MessageRefused,
    ],
    [
      'rejected since there is no room',
      (d: Delivery) => d.reject({ condition: 'amqp:resource-limit-exceeded', description: 'full' }),
      SinkUnavailable,
    ],
    [
      'rejected since the place may not be written to',
      (d: Delivery) => d.reject({ condition: 'amqp:unauthorized-access', description: 'no' }),
      SinkUnavailable,
    ],
    [
      'settled without a word',
      (d: Delivery) => dispose(d.link as Receiver, d.id, d.id, true, null),
      SinkUnavailable,
    ],
  ] as const) {
    test(`a message to a fixed place that was ${what} is ${expected.name}`, async t => {
      const { bench, sending } = await Bench.open(t, 10)
      const send = sending.send({})
      act((await bench.came(1))[0]!)
      await assert.rejects(send, (error: Error) => {
        assert.ok(error instanceof expected, String(error))
        const isTooMuch = what === 'rejected since there is no room'
        assert.equal(error instanceof SinkUnavailable && error.throttled, isTooMuch)
        return true
      })
      const next = sending.send({})
      ;(await bench.came(2))[1]!.accept()
      await next
    })
  }

  test('an error that may be anything is no verdict on the message', async t => {
    const { bench, sending } = await Bench.open(t, 10)
    const send = sending.send({})
    ;(await bench.came(1))[0]!.reject({ condition: 'amqp:internal-error', description: 'oops' })
    await assert.rejects(send, (error: Error) => {
      assert.ok(!(error instanceof MessageRefused) && !(error instanceof SinkUnavailable))
      return says(/oops/)(error)
    })
  })

  test('a message whose place was chosen is at fault when that takes nothing', async t => {
    const { bench, sending } = await Bench.open(t, 10, { address: '${address}' }, true)
    const first = sending.send({ address: 'a' })
    const second = sending.send({ address: 'b' })
    const [a, b] = await bench.came(2)
    a!.release()
    b!.reject({ condition: 'amqp:unauthorized-access', description: 'no' })
    await assert.rejects(first, MessageRefused)
    await assert.rejects(second, MessageRefused)
    assert.equal(bench.receivers.length, 1)
  })

  for (const [condition, expected] of [
    ['amqp:not-found', MessageRefused],
    ['amqp:unauthorized-access', MessageRefused],
    ['amqp:not-allowed', MessageRefused],
    ['amqp:invalid-field', MessageRefused],
    ['amqp:internal-error', SinkUnavailable],
    ['amqp:resource-limit-exceeded', SinkUnavailable],
    ['amqp:resource-locked', SinkUnavailable],
    ['amqp:link:detach-forced', SinkUnavailable],
    ['failed', SinkUnavailable],
  ] as const) {
    test(`a message whose place is refused a link with ${condition} is ${expected.name}`, async t => {
      const { bench, sending } = await Bench.open(t, 10, { address: '${address}' })
      bench.refuses = { condition, description: 'not so' }
      await assert.rejects(sending.send({ address: 'a' }), (error: Error) => {
        assert.ok(error instanceof expected, `${error}`)
        return says(/sending to a: .*not so/)(error)
      })
      bench.refuses = undefined
      const next = sending.send({ address: 'a' })
      ;(await bench.came(1))[0]!.accept()
      await next
    })
  }

  test('sends no more than the credit that the broker gives', async t => {
    const { bench, sending } = await Bench.open(t, 3)
    const sends = Array.from({ length: 8 }, () => sending.send({}))
    await bench.came(3)
    for (const delivery of bench.deliveries.slice(0, 3)) delivery.accept()
    await Promise.all(sends.slice(0, 3))
    assert.equal(bench.deliveries.length, 3)
    bench.receivers[0]!.add_credit(5)
    for (const delivery of (await bench.came(8)).slice(3)) delivery.accept()
    await Promise.all(sends)
  })

  test('a message that gets no credit is not sent later', async t => {
    const { bench, sending } = await Bench.open(t, 0, { queue: 'q', send_timeout: '100ms' })
    await assert.rejects(
      within(2_000, 'THE SUITE', sending.send({})),
      says(/^(?!THE SUITE).*no credit.*q on/),
    )
    bench.receivers[0]!.add_credit(5)
    const next = sending.send({ body: { kind: 'text', text: 'the next' } })
    ;(await bench.came(1))[0]!.accept()
    await next
    assert.equal(bench.deliveries.length, 1)
  })

  test('says that the broker blocks its senders, and when it is over', { timeout: 20_000 }, async t => {
    const { bench, sending } = await Bench.open(t, 0)
    const send = sending.send({})
    const notices = (count: number) => until(() => sending.events.length === count, { what: 'a notice' })
    await notices(1)
    bench.receivers[0]!.add_credit(1)
    ;(await bench.came(1))[0]!.accept()
    await send
    await notices(2)
    const texts = sending.events.map(event => event.type === 'notice' && event.text)
    assert.match(String(texts[0]), /blocks its senders: 1 messages wait/)
    assert.match(String(texts[1]), /takes messages again/)
  })

  test('many deliveries stay unsettled, and one that is does not hold up the rest', async t => {
    const { bench, sending } = await Bench.open(t, 2_000)
    const sends = Array.from({ length: 2_000 }, () => sending.send({}))
    await bench.came(2_000)
    dispose(bench.receivers[0]!, 1, 1_999, true)
    await Promise.all(sends.slice(1))
    dispose(bench.receivers[0]!, 0, 0, true)
    await sends[0]
  })

  test('a range that is larger than anything that was sent settles what was', async t => {
    const { bench, sending } = await Bench.open(t, 10)
    const sends = [sending.send({}), sending.send({})]
    await bench.came(2)
    dispose(bench.receivers[0]!, 0, 0xffff_fff0, true)
    await within(2_000, 'settling', Promise.all(sends))
  })

  test('settles itself where the broker names the outcome only', async t => {
    const { bench, sending } = await Bench.open(t, 10)
    const send = sending.send({})
    const [delivery] = await bench.came(1)
    dispose(bench.receivers[0]!, 0, 0, false)
    await send
    await until(() => delivery!.remote_settled, { what: 'the sender to settle' })
  })

  test('a link that the broker detaches ends the sink, and says why', async t => {
    const { bench, sending } = await Bench.open(t, 10)
    const send = sending.send({})
    await bench.came(1)
    bench.receivers[0]!.close({ condition: 'amqp:resource-deleted', description: 'gone now' })
    await assert.rejects(send, LinkLost)
    const error = await within(2_000, 'noticing', sending.sink.closed)
    assert.ok(error)
    says(/gone now/)(error)
    await assert.rejects(sending.send({}), says(/q on .*gone now/))
  })

  test('one place that the broker detaches leaves the other places at work', async t => {
    const { bench, sending } = await Bench.open(t, 10, { address: '${address}' })
    const first = sending.send({ address: 'a' })
    const second = sending.send({ address: 'b' })
    await bench.came(2)
    const [a] = bench.receivers.filter(r => r.target.address === 'a')
    a!.close({ condition: 'amqp:not-found', description: 'no a' })
    await assert.rejects(first, SinkUnavailable)
    bench.deliveries.at(-1)!.accept()
    bench.deliveries[0]!.accept()
    await second
  })

  test('links by address are few, however many addresses there are', async t => {
    const { bench, sending } = await Bench.open(t, 10, { address: '${address}' })
    const open = () => bench.receivers.filter(r => r.is_open()).length
    let most = 0
    for (let i = 0; i < 300; i++) {
      const send = sending.send({ address: `a${i}` })
      ;(await bench.came(i + 1))[i]!.accept()
      await send
      most = Math.max(most, open())
    }
    assert.ok(most <= 33, `${most} links`)
  })

  test('writes nothing after its detach, although the socket takes it and there is credit', async t => {
    const { bench, sending } = await Bench.open(t, 5_000)
    const [receiver] = bench.receivers
    const { socket } = receiver!.connection as unknown as { socket: Socket }
    const session = receiver!.session as unknown as {
      on_transfer(frame: unknown): void
      on_detach(frame: unknown): void
    }
    const came: string[] = []
    session.on_transfer = () => came.push('transfer')
    const detach = session.on_detach.bind(session)
    session.on_detach = frame => {
      came.push('detach')
      // A broker takes its time, and reads on meanwhile.
      setTimeout(() => detach(frame), 200)
    }
    socket.pause()
    const body = { kind: 'bytes', bytes: Buffer.alloc(10_000) } as const
    const sends = Array.from({ length: 3_000 }, () => sending.send({ body }).catch((error: unknown) => error))
    // 30 MB are more than any socket takes at once, so that most wait whenever this is.
    await new Promise(resolve => setImmediate(resolve))
    const closing = sending.sink.close()
    socket.resume()
    await closing
    for (const error of await Promise.all(sends)) assert.ok(error instanceof LinkLost)
    assert.ok(came.includes('transfer'))
    assert.deepEqual(came.slice(came.indexOf('detach')), ['detach'])
  })

  test('gives its credit up when the broker drains', async t => {
    const { bench, sending } = await Bench.open(t, 10)
    const drained = new Promise(resolve => bench.receivers[0]!.once('receiver_drained', resolve))
    bench.receivers[0]!.drain_credit()
    await within(2_000, 'draining', drained)
    bench.receivers[0]!.drain = false
    bench.receivers[0]!.add_credit(1)
    const send = sending.send({})
    ;(await bench.came(1))[0]!.accept()
    await send
  })
})
