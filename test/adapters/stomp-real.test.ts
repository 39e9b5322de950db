import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { stomp } from '../../src/adapters/stomp/index.ts'
import { sentence } from '../../src/core/errors.ts'
import { text } from '../../src/core/value.ts'
import { describeOnBroker } from '../support/brokers.ts'
import { Consumer, parse } from './consumer.ts'
import { bytesOf, idOf, type SourceFixture } from './fixture.ts'
import { stompFixture } from './stomp-brokers.ts'
import { StompClient } from './stomp-client.ts'

const says = (pattern: RegExp) => (error: unknown) => {
  assert.match(sentence(error), pattern)
  return true
}

for (const name of ['activemq', 'artemis', 'rabbitmq3', 'rabbitmq4'] as const) {
  const isRabbit = name.startsWith('rabbit')

  await describeOnBroker(name, 'STOMP', running => {
    let fixture: SourceFixture
    let client: StompClient
    before(async () => {
      fixture = await stompFixture(running)
      client = await StompClient.open(fixture.address, running)
    })
    after(() => Promise.all([client?.close(), fixture?.close()]))

    const open = async (
      t: TestContext,
      place: string,
      { via = {}, from = {} }: { via?: object; from?: object } = {},
    ) => {
      const raw = fixture.endpoint(place)
      const connection = { ...raw.connection, ...via }
      const source = 'topic' in from ? from : { ...raw.source, ...from }
      return (await Consumer.open(stomp, parse(stomp, place, { connection, source }))).closeAfter(t)
    }
    const filled = async (count: number): Promise<string> => {
      const place = await fixture.create()
      await fixture.produce(
        place,
        Array.from({ length: count }, (_, i) => Buffer.from(`m${i}`)),
      )
      return place
    }

    test('TLS: a trusted certificate opens, an untrusted one and one for another name do not', async t => {
      const place = await filled(1)
      const urls = [`stomps://127.0.0.1:${running.ports.stomps}`]
      const { ca, cert, key } = running.tls
      const consumer = await open(t, place, { via: { urls, tls: { ca_file: ca } } })
      assert.equal((await consumer.take(1)).length, 1)
      await consumer.source.close()
      const mutual = { ca_file: ca, cert_file: cert, key_file: key }
      await (await open(t, place, { via: { urls, tls: mutual } })).source.close()
      await assert.rejects(open(t, place, { via: { urls } }), says(/connecting to stomps:.*certificate/))
      const other = { ca_file: ca, server_name: 'other.example' }
      await assert.rejects(
        open(t, place, { via: { urls, tls: other } }),
        says(/other\.example.*altnames|altnames.*localhost/),
      )
    })

    test('TLS: a port that wants a client certificate takes ours', {
      skip: running.ports.stompsClientCert === undefined && 'no such port',
    }, async t => {
      const place = await filled(1)
      const urls = [`stomps://127.0.0.1:${running.ports.stompsClientCert}`]
      const { ca, cert, key } = running.tls
      await assert.rejects(open(t, place, { via: { urls, connect_timeout: '2s', tls: { ca_file: ca } } }))
      const tls = { ca_file: ca, cert_file: cert, key_file: key }
      assert.equal((await (await open(t, place, { via: { urls, tls } })).take(1)).length, 1)
    })

    test('TLS: a certificate for another name is refused, and taken where that name was asked for', {
      skip: running.ports.stompsWrongName === undefined && 'no such port',
    }, async t => {
      const place = await filled(1)
      const urls = [`stomps://127.0.0.1:${running.ports.stompsWrongName}`]
      const tls = { ca_file: running.tls.ca }
      await assert.rejects(open(t, place, { via: { urls, tls } }), says(/altnames/))
      const named = { ...tls, server_name: 'wrong.example' }
      assert.equal((await (await open(t, place, { via: { urls, tls: named } })).take(1)).length, 1)
    })

    test('the broker hands out no more than the prefetch', async t => {
      const prefetch = name === 'artemis' ? 1 : 3
      const place = await filled(10)
      const consumer = await open(t, place, { from: { prefetch } })
      consumer.grant(100)
      for (let settled = 0; settled < 6; settled++) {
        await consumer.came(prefetch + settled)
        await pause(60)
        const [next] = (await consumer.came(prefetch + settled)).slice(settled)
        await next!.settle('accepted')
      }
    })

    test('on Artemis the prefetch is in bytes', { skip: name !== 'artemis' && 'Artemis alone' }, async t => {
      const place = await fixture.create()
      await fixture.produce(
        place,
        Array.from({ length: 10 }, () => Buffer.alloc(10_000)),
      )
      const consumer = await open(t, place, { from: { prefetch_bytes: '25KB' } })
      consumer.grant(100)
      await consumer.came(3)
      await pause(100)
      await consumer.came(3)
    })

    test('an id stays with its message when it is delivered again, where the broker gives one', async t => {
      const place = await filled(1)
      const first = await open(t, place)
      const [once] = await first.take(1)
      await first.source.close()
      const [twice] = await (await open(t, place)).take(1)
      assert.deepEqual(twice!.message.annotations!.redelivered, text('true'))
      assert.equal(twice!.id, once!.id)
      assert.equal(once!.id === undefined, isRabbit)
    })

    test('a message with headers named like those of STOMP is settled all the same', async t => {
      const place = await fixture.create()
      const queue = name === 'artemis' ? place : isRabbit ? `/amq/queue/${place}` : `/queue/${place}`
      const more = name === 'artemis' ? ['destination-type:ANYCAST'] : []
      await client.send(queue, 'odd', ['ack:X', 'subscription:Y', 'redelivered:Z', ...more])
      const consumer = await open(t, place)
      const [odd] = await consumer.take(1)
      await odd!.settle('accepted')
      await consumer.source.close()
      await fixture.produce(place, [Buffer.from('next')])
      const again = await open(t, place)
      assert.deepEqual(
        (await again.take(1)).map(d => idOf(d.message)),
        ['next'],
      )
    })

    test('a durable subscription keeps what is published while we are away', async t => {
      const topic = `t.${randomUUID()}`
      const from = { topic, subscription: `s-${topic}` }
      const consumer = await open(t, topic, { from })
      await consumer.source.close()
      const to = name === 'artemis' ? topic : `/topic/${topic}`
      await client.send(to, 'kept', name === 'artemis' ? ['destination-type:MULTICAST'] : [])
      const again = await open(t, topic, { from })
      const [kept] = await again.take(1)
      assert.equal(idOf(kept!.message), 'kept')
      assert.equal(kept!.message.address, topic)
      await kept!.settle('accepted')
    })

    test('a pattern of topics gives messages the topic they were published to', async t => {
      const root = `t${randomUUID().slice(0, 8)}`
      const consumer = await open(t, root, { from: { topic: `${root}.*` } })
      const to = name === 'artemis' ? `${root}.a` : `/topic/${root}.a`
      await client.send(to, 'x', name === 'artemis' ? ['destination-type:MULTICAST'] : [])
      assert.equal((await consumer.take(1))[0]!.message.address, `${root}.a`)
    })

    test('a selector picks', { skip: isRabbit && 'RabbitMQ has none' }, async t => {
      const place = await fixture.create()
      const [to, more] = name === 'artemis' ? [place, ['destination-type:ANYCAST']] : [`/queue/${place}`, []]
      await client.send(to, 'no', ['colour:red', ...more])
      await client.send(to, 'yes', ['colour:blue', ...more])
      const consumer = await open(t, place, { from: { selector: "colour = 'blue'" } })
      assert.deepEqual(
        (await consumer.take(1)).map(d => idOf(d.message)),
        ['yes'],
      )
    })

    test('a misspelt queue is an error and not a new queue', {
      skip: !isRabbit && 'the broker makes queues',
    }, async t => {
      const place = `stomp-missing-${randomUUID()}`
      for (const _ of [1, 2]) {
        await assert.rejects(open(t, place), says(new RegExp(`queue ${place}, which does not exist`)))
      }
    })

    test('heart-beats go on while much is held and nothing is granted', async t => {
      const place = await fixture.create()
      const megabyte = Buffer.alloc(2 ** 20, 'x')
      await fixture.produce(
        place,
        Array.from({ length: 8 }, () => megabyte),
      )
      const consumer = await open(t, place, {
        via: { heartbeat: '500ms' },
        from: { prefetch_bytes: '64MiB' },
      })
      await pause(2_500)
      const came = await consumer.take(8)
      assert.ok(came.every(d => bytesOf(d.message).equals(megabyte)))
      await Promise.all(came.map(d => d.settle('accepted')))
      await consumer.source.close()
      assert.equal(await consumer.source.closed, undefined)
    })
  })
}
