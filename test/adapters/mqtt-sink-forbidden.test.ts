import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { describeOnBroker, findBroker } from '../support/brokers.ts'
import { type AclBroker, mosquittoWithAcl, rabbitUser } from './mqtt-acl-broker.ts'
import type { Version } from './mqtt-fixture.ts'
import { mqttSinkFixture } from './mqtt-sink-fixture.ts'
import { promises, sinkPromises } from './sink-conformance.ts'
import { opened, readBack, type SinkBench, sinkBenchOf } from './sink-promises/bench.ts'

/** Topics that the broker's rules forbid. */
function forbidden(
  version: Version,
  start: () => Promise<AclBroker>,
  more: (bench: () => SinkBench) => void,
): void {
  describe(`a topic that is forbidden, MQTT ${version}`, () => {
    let acl: AclBroker
    let bench: SinkBench
    before(async () => {
      acl = await start()
      const options = { forbidden: 'forbidden/topic', login: acl.login }
      bench = sinkBenchOf(mqtt, await mqttSinkFixture(acl.broker, version, options))
    })
    after(async () => {
      await bench?.broker.close()
      await acl?.[Symbol.asyncDispose]()
    })
    more(() => bench)
  })
}

const kept = (bench: () => SinkBench): void => {
  for (const promise of ['missing', 'guilty', 'apart'] as const) {
    test(sinkPromises[promise], { timeout: 45_000 }, t => promises[promise](bench(), t))
  }
}

const found = await findBroker('mosquitto')
describe('Mosquitto', { skip: !found?.pid && 'scripts/brokers install && scripts/brokers up' }, () => {
  const start = async () => (await mosquittoWithAcl())!
  forbidden(5, start, bench => {
    kept(bench)
    test('is the fault of the target where it is fixed, of the message where a template chose it', async t => {
      const fixed = await opened(t, bench(), bench().broker.endpoint('forbidden/topic'))
      await assert.rejects(fixed.send('forbidden/topic', 'x'), (error: Error) => {
        assert.ok(error instanceof SinkUnavailable)
        assert.equal(error.message, 'the broker refused a message to forbidden/topic: not authorized (135)')
        return true
      })
      const chosen = await opened(t, bench(), bench().broker.templated!())
      await assert.rejects(chosen.send('forbidden/topic', 'x'), MessageRefused)
    })
    test('is refused with QoS 2 as well, before the broker took it', async t => {
      const raw = bench().broker.templated!()
      const chosen = await opened(t, bench(), { ...raw, sink: { ...raw.sink, qos: 2 } })
      await assert.rejects(chosen.send('forbidden/topic', 'x'), MessageRefused)
      const name = await bench().broker.create()
      await chosen.send(name, 'y')
      assert.deepEqual(await readBack(t, bench(), name), ['y'])
    })
  })
  forbidden('3.1.1', start, bench => {
    test('Mosquitto confirms what it drops, which validate warns of', async t => {
      const raw = bench().broker.endpoint('forbidden/topic')
      const producer = await opened(t, bench(), raw)
      await producer.send('forbidden/topic', 'gone')
      const at = {
        connection: mqtt.connection.parse(raw.connection),
        connectionName: 'plant',
        route: 'route',
        options: mqtt.sink!.options.parse(raw.sink),
      }
      const said = mqtt.sink!.warnings!(at).map(w => w.text)
      assert.ok(said.some(text => /Mosquitto confirms what its access rules .* forbid/.test(text)))
    })
  })
})

for (const version of ['3.1.1', 5] as const) {
  await describeOnBroker('rabbitmq4', 'RabbitMQ', broker => {
    forbidden(version, () => rabbitUser(broker), kept)
  })
}
