import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { MqttClient } from 'mqtt'
import { LinkLost } from '../../src/core/errors.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { until } from '../support/until.ts'
import { cases, mqttBroker } from './mqtt-cases.ts'
import { connectionTo, leave, plainClient, uniqueName } from './mqtt-fixture.ts'
import { endpoint, Opened } from './mqtt-opened.ts'

for (const { name, version, saysTakenOver, repeatsRetained } of cases) {
  await describeOnBroker(name, `what MQTT ${version} has of its own`, found => {
    const broker = mqttBroker(found)
    let producer: MqttClient
    const place = (source: object, connection = {}) =>
      endpoint(
        { ...connectionTo(broker, version), ...connection },
        { session_expiry: '1h', ...source },
        uniqueName(),
      )
    const publish = (topic: string, body: string, retain = false) =>
      producer.publishAsync(topic, body, { qos: 1, retain })

    before(async () => {
      producer = await plainClient(broker, version)
    })
    after(() => leave(producer))

    test('a target that is down for longer than the keepalive: pings go on, memory is bounded, nothing is lost', async () => {
      const [topic, count] = [uniqueName(), 2_000]
      const at = place({ topic, prefetch: 100 }, { heartbeat: '1s' })
      await (await Opened.at(at)).source.close()
      const body = (i: number) => `${i} ${'x'.repeat(1024)}`
      for (let i = 0; i < count; i += 100) {
        await Promise.all(Array.from({ length: 100 }, (_, j) => publish(topic, body(i + j))))
      }
      await using opened = await Opened.at(at)
      opened.grant(50)
      let settled = 0
      const settleTo = async (total: number) => {
        while (settled < total) {
          await opened.came(settled + 1)
          await opened.deliveries[settled++]!.settle('accepted')
        }
      }
      await opened.came(10)
      await settleTo(5)
      // The outage itself: three keepalives, twice what the broker waits for.
      await new Promise(resolve => setTimeout(resolve, 3_000))
      assert.ok(opened.deliveries.length <= 50)
      assert.ok(!opened.deliveries.at(-1)!.lost.aborted, 'still connected')
      opened.grant(count)
      await settleTo(count)
      assert.equal(new Set(opened.ids).size, count)
    })

    test('retained: skip gives none of them, but every live message, retained by its sender or not', async () => {
      const topic = uniqueName()
      await publish(topic, 'old', true)
      const at = place({ topic })
      await using first = await Opened.at(at)
      first.grant(10)
      await publish(topic, 'live', true)
      await publish(topic, 'plain')
      await first.came(2)
      assert.deepEqual(first.ids, ['live', 'plain'])
      for (const d of first.deliveries) await d.settle('accepted')
      await first.source.close()
      await publish(topic, 'while away', true)
      await using second = await Opened.at(at)
      second.grant(10)
      await publish(topic, 'end')
      await until(() => second.ids.includes('end'), { what: 'the end' })
      assert.ok(!second.ids.includes('old'))
      assert.deepEqual(second.ids.slice(-2), ['while away', 'end'])
      await publish(topic, '', true)
    })

    test('retained: new gives them once, all each time the link opens; both mark them', async () => {
      const topic = uniqueName()
      await publish(topic, 'old', true)
      const openTwice = async (retained: string) => {
        const at = place({ topic, retained })
        const seen: string[][] = []
        for (let opening = 0; opening < 2; opening++) {
          await using opened = await Opened.at(at)
          opened.grant(10)
          if (opening === 0 || retained === 'all') {
            await opened.came(1)
            assert.equal(opened.deliveries[0]!.message.properties.retained, true)
          }
          await publish(topic, 'end')
          await until(() => opened.ids.includes('end'), { what: 'the end' })
          for (const d of opened.deliveries) await d.settle('accepted')
          seen.push(opened.ids)
        }
        return seen
      }
      assert.deepEqual(await openTwice('new'), [['old', 'end'], repeatsRetained ? ['old', 'end'] : ['end']])
      assert.deepEqual(await openTwice('all'), [
        ['old', 'end'],
        ['old', 'end'],
      ])
      await publish(topic, '', true)
    })

    test('another client with the same id takes the session and its messages; the link says what happened', async () => {
      const topic = uniqueName()
      const at = place({ topic })
      await using first = await Opened.at(at)
      first.grant(10)
      await publish(topic, 'one')
      await first.came(1)
      await using second = await Opened.at(at)
      const why = await first.source.closed
      assert.ok(why instanceof LinkLost)
      if (why.retryAfter === undefined) {
        assert.ok(!saysTakenOver, 'this broker says DISCONNECT 142')
        assert.match(why.message, /the broker closed the connection|the connection broke/)
      } else {
        assert.match(why.message, /another client took over the session/)
        assert.deepEqual(first.notices, [why.message])
      }
      await assert.rejects(first.deliveries[0]!.settle('accepted'), LinkLost)
      second.grant(10)
      await second.came(1)
      assert.deepEqual(second.ids, ['one'])
    })

    test('two equal payloads both arrive; the address is the concrete topic', async () => {
      const topic = uniqueName()
      await using opened = await Opened.at(place({ topic: `${topic}/+/valve` }))
      opened.grant(10)
      for (const state of ['OPEN', 'CLOSE', 'OPEN', 'OPEN']) await publish(`${topic}/7/valve`, state)
      await opened.came(4)
      assert.deepEqual(opened.ids, ['OPEN', 'CLOSE', 'OPEN', 'OPEN'])
      assert.equal(opened.deliveries[0]!.message.address, `${topic}/7/valve`)
      assert.equal(opened.deliveries[0]!.message.properties.durable, true)
    })

    test('QoS 0: granted messages arrive, and a link that holds more than prefetch counts what it lets go', async () => {
      const topic = uniqueName()
      await using opened = await Opened.at(place({ topic, qos: 0, session: 'clean', prefetch: 5 }))
      for (let i = 0; i < 20; i++) await publish(topic, `m${i}`)
      await until(() => opened.events.length >= 15, { what: 'fifteen drops' })
      opened.grant(10)
      assert.deepEqual(opened.ids, ['m0', 'm1', 'm2', 'm3', 'm4'])
    })
  })
}
