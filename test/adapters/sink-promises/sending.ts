import assert from 'node:assert/strict'
import { within } from '../../../src/adapters/shared/within.ts'
import { MessageRefused, sentence } from '../../../src/core/errors.ts'
import type { SinkPromises } from '../sink-conformance.ts'
import { arrived, ids, never, opened, proxied, read, readBack } from './bench.ts'

/** What is sent while the link lives. */
export const sending = {
  async bytes(bench, t) {
    const sent = [
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from([0x66, 0xff, 0xc3, 0x28, 0x00, 0x80]),
      Buffer.from(`Grüße ${bench.broker.basicPlane ? '' : '😀'} \r\n\t\\:`),
      Buffer.alloc(bench.broker.largestBody ?? 2 ** 20, Buffer.from(ids(256).join())),
    ]
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    const came: Buffer[] = []
    const reading = bench.broker.read(name, ({ body }) => came.push(body) === sent.length)
    const sends = sent.map(body => producer.send(name, body))
    await within(20_000, 'sending', Promise.all(sends))
    await within(20_000, 'reading', reading)
    for (const [i, bytes] of sent.entries()) {
      const equal = bench.broker.unordered ? came.find(body => body.equals(bytes)) : came[i]
      assert.ok(equal?.equals(bytes), `body ${i} of ${bytes.length} bytes came with ${came[i]!.length}`)
    }
  },

  async confirmed(bench, t) {
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    const calls = new Set<object>()
    for (const id of ids(20)) {
      calls.add(await producer.send(name, id))
      assert.deepEqual(await read(bench, name, 1), [id])
    }
    assert.equal(calls.size, 20, 'a send after another has an object of its own')
  },

  async flight(bench, t) {
    const all = ids(bench.broker.room ?? 5_000)
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    const reading = read(bench, name, all.length)
    reading.catch(() => {})
    await within(25_000, 'sending', Promise.all(producer.sendAll(name, all)))
    arrived(bench, await reading, all)
    assert.deepEqual(await readBack(t, bench, name), [], 'none twice')
  },

  async many(bench, t) {
    const names: string[] = []
    for (let i = 0; i < 300; i++) names.push(await bench.broker.create())
    const producer = await opened(t, bench, bench.broker.templated!())
    const rounds = ids(3)
    const sends = rounds.flatMap(id => names.map(name => producer.send(name, id)))
    await within(20_000, 'sending', Promise.all(sends))
    for (const name of names) arrived(bench, await read(bench, name, rounds.length), rounds)
  },

  async tooLarge(bench, t) {
    const name = await bench.broker.create()
    const { target, sink } = await opened(t, bench, bench.broker.endpoint(name))
    const small = { maxMessageSize: 4_321 }
    const body = Buffer.alloc(6_789, 'x')
    const { size } = target.prepare(sink.limits, target.message(name, body))
    assert.ok(size >= body.length, `size is ${size} for a body of ${body.length}`)
    const refused = (error: unknown) => {
      assert.ok(error instanceof MessageRefused, `${error}`)
      const numbers = sentence(error)
        .replace(/(\d)[,_ ](?=\d{3})/g, '$1')
        .match(/\d+/g)
      assert.ok(numbers?.includes('4321'), `names the limit: ${sentence(error)}`)
      assert.ok(
        numbers?.some(n => Number(n) >= body.length),
        `names its size: ${sentence(error)}`,
      )
      return true
    }
    assert.throws(() => target.prepare(small, target.message(name, body)), refused)
    target.prepare(small, target.message(name, 'short'))
  },

  async largest(bench, t) {
    const name = await bench.broker.create()
    const { target, sink } = await opened(t, bench, bench.broker.endpoint(name))
    const most = Math.min(2 ** 23, sink.limits.maxMessageSize, bench.broker.largestBody ?? 2 ** 23)
    const sized = (length: number) =>
      target.prepare(sink.limits, target.message(name, Buffer.alloc(length, 'x')))
    const fits = (length: number) => {
      try {
        return sized(length)
      } catch (error) {
        assert.ok(error instanceof MessageRefused, `${error}`)
        return undefined
      }
    }
    let [some, tooMany] = [0, most + 1]
    while (tooMany - some > 1) {
      const middle = Math.floor((some + tooMany) / 2)
      if (fits(middle)) some = middle
      else tooMany = middle
    }
    t.diagnostic(`the largest body: ${some} of ${sink.limits.maxMessageSize} bytes`)
    assert.ok(some > most * 0.7 - 4_096, `prepare() refuses ${tooMany} bytes`)
    const lengths: number[] = []
    const reading = bench.broker.read(name, ({ body }) => lengths.push(body.length) === 1)
    await within(20_000, 'sending', sink.send(sized(some), never))
    await within(20_000, 'reading', reading)
    assert.deepEqual(lengths, [some])
  },

  async mixed(bench, t) {
    const name = await bench.broker.create()
    const producer = await opened(t, bench, bench.broker.endpoint(name))
    const largest = Math.min(300_000, (bench.broker.largestBody ?? 2 ** 20) - 10)
    const sent = ids(60).map((id, i) => (i % 5 === 2 ? `${id} ${'x'.repeat(largest)}` : id))
    const reading = read(bench, name, sent.length)
    reading.catch(() => {})
    await within(20_000, 'sending', Promise.all(producer.sendAll(name, sent)))
    const came = await reading
    const names = came.map(body => body.split(' ')[0]!)
    arrived(bench, names, ids(60))
    assert.deepEqual(came.map(body => body.length).sort(), sent.map(body => body.length).sort())
  },

  async signal(bench, t) {
    const name = await bench.broker.create()
    const proxy = await proxied(t, bench)
    const producer = await opened(t, bench, bench.broker.endpoint(name, proxy))
    const reason = new Error('enough')
    await assert.rejects(
      within(
        2_000,
        'a send that was aborted before',
        producer.send(name, 'never', AbortSignal.abort(reason)),
      ),
      reason,
    )
    proxy.stall()
    const abort = new AbortController()
    const send = producer.send(name, 'aborted', abort.signal)
    const other = producer.sink.send(producer.prepare(name, 'other'), never)
    abort.abort(reason)
    await assert.rejects(within(2_000, 'a send that was aborted', send), reason)
    proxy.resume()
    await within(10_000, 'the send beside it', other)
    const came = await readBack(t, bench, name)
    assert.deepEqual(
      came.filter(body => body !== 'aborted'),
      ['other'],
    )
  },

  async neighbour(bench, t) {
    const names = [await bench.broker.create(), await bench.broker.create()]
    const targets = bench.targets(...names.map(name => bench.broker.endpoint(name)))
    const [closing, staying] = await Promise.all(targets.map(async to => (await to.open()).closeAfter(t)))
    await closing!.send(names[0]!, 'before')
    const during = staying!.sendAll(names[1]!, ids(50))
    await closing!.sink.close()
    await within(10_000, 'sending while the other closes', Promise.all(during))
    await within(10_000, 'sending after the other closed', staying!.send(names[1]!, 'after'))
    await staying!.sink.close()
    assert.equal(await staying!.sink.closed, undefined)
    arrived(bench, await readBack(t, bench, names[1]!), [...ids(50), 'after'])
  },
} satisfies Partial<SinkPromises>
