import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { stringify } from 'yaml'
import { renew } from '../../src/adapters/shared/renew.ts'
import type { SinkEnd } from '../../src/config/bridge-config.ts'
import { load } from '../../src/config/load.ts'
import type { Limits } from '../../src/core/adapter.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { letterOf, store } from '../bridge/letter-places.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { until } from '../support/until.ts'
import { rabbitFixture } from './amqp091-brokers.ts'
import { bytesOf } from './fixture.ts'

await describeOnBroker('rabbitmq4', 'a quorum queue with the usual delivery limit', broker => {
  const { host, ports, username, password } = broker
  for (const [protocol, url] of [
    ['amqp091', `amqp://${host}:${ports.amqp}`],
    ['amqp10', `amqp://${host}:${ports.amqp}`],
    ['stomp', `stomp://${host}:${ports.stomp}`],
  ]) {
    test(`loses nothing by being looked at again and again, each time to its first letter and to Ctrl-C, over ${protocol}`, {
      timeout: 120_000,
    }, async t => {
      const fixture = await rabbitFixture(broker, { arguments: { 'x-queue-type': 'quorum' } })
      t.after(() => fixture.close())
      const queue = await fixture.create()
      const folder = mkdtempSync(join(tmpdir(), 'sluice-looks-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'sluice.yaml')
      const connections = {
        here: { protocol: 'memory' },
        dead: { protocol, urls: [url], username, password },
      }
      const route = {
        from: { connection: 'here', queue: 'in' },
        targets: { main: { connection: 'here', queue: 'out' } },
        dead_letter: [{ connection: 'dead', queue }],
      }
      writeFileSync(file, stringify({ connections, routes: { orders: route } }))
      const bodies = Array.from({ length: 300 }, (_, i) => `${i} `.padEnd(4_000, 'x'))
      await store(
        file,
        bodies.map(body => letterOf(body)),
      )
      const { config } = await load(file)
      const { end } = config.routes[0]!.deadLetters[0] as { end: SinkEnd }
      /** The first letters; those behind them are on their way when it ends. */
      const look = async (most: number, ...signals: readonly AbortSignal[]) => {
        const signal = AbortSignal.any([AbortSignal.timeout(30_000), ...signals])
        const read = await end.kind.readBack!(end.at, 'look', { signal, trial: true, report: () => {} })
        const found: string[] = []
        for await (const { message } of read.messages) {
          found.push(bytesOf(readRecord(bytesOf(message).toString()).message).toString())
          if (found.length === most) break
        }
        return { found, read }
      }
      for (let looks = 1; looks <= 24; looks++) {
        const ctrlC = new AbortController()
        const { found, read } = await look(1, ctrlC.signal)
        assert.equal(found.length, 1, `at look ${looks}`)
        ctrlC.abort()
        await read.close()
      }
      const { found, read } = await look(bodies.length)
      await read.close()
      assert.deepEqual(found.sort(), bodies.toSorted())
      await until(async () => (await fixture.left?.(queue)) === bodies.length, { what: 'each once' })
      if (protocol !== 'stomp') return

      // A broker that has not come to an acknowledgement when the link ends gives the letter back.
      await store(
        file,
        Array.from({ length: 1_700 }, (_, i) => letterOf(`more ${i}`)),
      )
      const all = await end.kind.readBack!(end.at, 'take', {
        signal: AbortSignal.timeout(60_000),
        trial: true,
        report: () => {},
      })
      const removed: Promise<void>[] = []
      for await (const stored of all.messages) if (removed.push(stored.remove()) === 2_000) break
      await Promise.all(removed)
      await all.close()
      await setTimeout(1_000)
      assert.equal(await fixture.left?.(queue), 0, 'what was removed is there again')
    })
  }
})

test('a message that cannot be sent anew keeps no other from it, and is told of in the end', async () => {
  const settled: string[] = []
  const worn = ['a', 'large', 'b'].map(body => ({
    message: letterOf(body).message,
    size: 1,
    lost: new AbortController().signal,
    settle: async () => void settled.push(body),
  }))
  const sink = { limits: { maxMessageSize: 1 }, closed: Promise.resolve(undefined) }
  const open = async () => ({ ...sink, send: async () => ({}), check: async () => {}, close: async () => {} })
  const prepare = (_: Limits, { body }: Message) => {
    if (body.kind === 'text' && body.text === 'large') throw new MessageRefused('it is too large')
    return { size: 1 }
  }
  await assert.rejects(renew(worn, { open, prepare }), /it is too large/)
  assert.deepEqual(settled, ['a', 'b'])
})
