import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import type { SinkEnd } from '../../src/config/bridge-config.ts'
import { load } from '../../src/config/load.ts'
import { readRecord } from '../../src/route/dead-letter/record.ts'
import { letterOf, store } from '../bridge/letter-places.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { rabbitFixture } from './amqp091-brokers.ts'
import { bytesOf } from './fixture.ts'

await describeOnBroker('rabbitmq4', 'a quorum queue with the usual delivery limit', broker => {
  const { host, ports, username, password } = broker
  for (const [protocol, url] of [
    ['amqp091', `amqp://${host}:${ports.amqp}`],
    ['amqp10', `amqp://${host}:${ports.amqp}`],
    ['stomp', `stomp://${host}:${ports.stomp}`],
  ]) {
    test(`loses nothing by being looked at again and again over ${protocol}`, {
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
      await store(
        file,
        ['a', 'b', 'c'].map(body => letterOf(body)),
      )
      const { config } = await load(file)
      const { end } = config.routes[0]!.deadLetters[0] as { end: SinkEnd }
      for (let look = 1; look <= 45; look++) {
        const read = await end.kind.readBack!(end.at, 'look', {
          signal: AbortSignal.timeout(30_000),
          trial: true,
          report: () => {},
        })
        const found: string[] = []
        for await (const { message } of read.messages) {
          found.push(bytesOf(readRecord(bytesOf(message).toString()).message).toString())
          if (found.length === 3) break
        }
        await read.close()
        assert.deepEqual(found.sort(), ['a', 'b', 'c'], `at look ${look}`)
      }
      assert.equal(await fixture.left?.(queue), 3)
    })
  }
})
