import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { TcpAddress } from '../adapters/fixture.ts'
import { runBridge } from '../support/bridge-process.ts'
import { describeOnBroker } from '../support/brokers.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { startProxy } from '../support/proxy.ts'
import { until } from '../support/until.ts'
import { arrived, awsConnection, deadFolder, numbered, quick, suiteAws, titleOf } from './setting.ts'
import { oneOfEach } from './sources.ts'

let aws: TestAws

/** A server on a free port that does this to whoever connects. */
async function server(t: TestContext, serve: (client: Socket) => void): Promise<TcpAddress> {
  const listening = createServer(client => {
    client.on('error', () => {})
    t.after(() => client.destroy())
    serve(client)
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.after(() => listening.close())
  return { host: '127.0.0.1', port: (listening.address() as AddressInfo).port }
}

/** Passes everything on to the broker and back, and can say something to the client that the broker never said. */
async function interruptible(t: TestContext, broker: TcpAddress) {
  const clients = new Set<Socket>()
  const address = await server(t, client => {
    const peer = connect(broker).on('error', () => client.destroy())
    clients.add(client.on('close', () => clients.delete(client) && peer.destroy()))
    t.after(() => peer.destroy())
    client.pipe(peer).pipe(client)
  })
  return { address, say: (bytes: Buffer) => clients.forEach(client => void client.write(bytes)) }
}

for (const [i, source] of oneOfEach.entries()) {
  await describeOnBroker(source.broker, titleOf(source), broker => {
    suiteAws(started => {
      aws = started
    })
    test('says what is wrong with each link, and a good route beside them carries', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const place = await open.create()
      const queue = `links-${i}`
      await aws.createQueue(queue)
      const silent = await server(t, () => {})
      const web = await server(t, client =>
        client.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n'),
      )
      const { connection, from } = open.config(place)
      const [url] = connection.urls as [string]
      const scheme = url.slice(0, url.indexOf(':'))
      const somebody = { server_name: 'somebody-else.example', ca_file: broker.tls.ca }
      const at = (address: TcpAddress) => ({
        ...open.config(place, address).connection,
        connect_timeout: '1s',
      })

      const wrong: Record<string, { connection: object; reason: RegExp }> = {
        password: {
          connection: { ...connection, password: 'wrong' },
          reason: /credentials|not authori[sz]ed|user name or password|User name .* or password is invalid/i,
        },
        certificate: {
          connection: {
            ...connection,
            urls: [`${scheme}s://localhost:${broker.ports[`${scheme}s`]}`],
            tls: somebody,
          },
          reason: /somebody-else\.example.*altnames|altnames.*somebody-else\.example/,
        },
        silent: { connection: at(silent), reason: new RegExp(`${silent.port}.*(longer than|within|silent)`) },
        web: { connection: at(web), reason: new RegExp(`${web.port}`) },
        closed: {
          connection: at({ host: '127.0.0.1', port: 1 }),
          reason: /127\.0\.0\.1:1.*ECONNREFUSED|ECONNREFUSED.*127\.0\.0\.1:1/,
        },
      }
      const nowhere =
        scheme === 'mqtt'
          ? { topic: `${place}/other`, client_id: `${place}-other` }
          : { queue: 'no-such-queue' }
      const main = { connection: 'cloud', queue }
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: deadFolder(t).path }] },
        connections: {
          broker: connection,
          cloud: awsConnection('sqs', aws),
          ...Object.fromEntries(Object.entries(wrong).map(([name, { connection }]) => [name, connection])),
        },
        routes: {
          good: { from: { connection: 'broker', ...from }, targets: { main } },
          missing: {
            from: { connection: 'broker', ...from, ...nowhere },
            targets: { main: { connection: 'cloud', queue: 'no-such-queue' } },
          },
          ...Object.fromEntries(
            Object.keys(wrong).map(name => [
              name,
              { from: { ...from, connection: name }, targets: { main } },
            ]),
          ),
        },
      })
      for (const [route, { reason }] of Object.entries(wrong)) {
        const line = await bridge.logged({ route, link: 'source', msg: /trying again/ })
        t.diagnostic(`${route}: ${line.reason}`)
        assert.match(line.reason!, reason, route)
        assert.doesNotMatch(line.reason!, /sluice-secret|wrong/, 'the password is in the log')
      }
      const reason = /queue no-such-queue does not exist in region eu-west-1/
      await bridge.logged({ route: 'missing', link: 'main', msg: /trying again/, reason })
      if (source.broker === 'rabbitmq4') {
        const reason = /no-such-queue.*(does not exist|no queue)/
        await bridge.logged({ route: 'missing', link: 'source', reason })
      }
      await bridge.connected('good')
      await open.produce(place, numbered(100))
      await arrived(aws, queue, numbered(100))
      assert.equal(await bridge.stop(), 0)
    })

    test('leaves a broker that says what is no frame, comes back, and loses nothing', async t => {
      const open = await source.open(broker)
      t.after(() => open.close())
      const place = await open.create()
      const queue = `frames-${i}`
      await aws.createQueue(queue)
      const { address, say } = await interruptible(t, open.address)
      const { connection, from } = open.config(place, address)
      const bridge = await runBridge(t, {
        defaults: { ...quick, dead_letter: [{ folder: deadFolder(t).path }] },
        connections: { broker: connection, cloud: awsConnection('sqs', aws) },
        routes: {
          only: {
            from: { connection: 'broker', ...from },
            targets: { main: { connection: 'cloud', queue } },
          },
        },
      })
      await open.produce(place, numbered(100))
      await arrived(aws, queue, numbered(100))
      await until(async () => (await bridge.metric('sluice_messages_buffered')) === 0, {
        what: 'all settled',
      })
      say(Buffer.from('\xff\xff\xff\xff no frame of any protocol \xff\n\n\0\n', 'latin1'))
      const { reason } = await bridge.logged({ link: 'source', msg: /trying again/ })
      t.diagnostic(reason ?? '')
      await open.produce(place, numbered(100, 'later'))
      await arrived(aws, queue, numbered(100, 'later'))
      assert.equal(await bridge.stop(), 0)
    })
  })
}

await describeOnBroker(oneOfEach[0]!.broker, 'the bridge to AWS', broker => {
  suiteAws(started => {
    aws = started
  })
  test('says that AWS does not know its credentials, and carries once it does', async t => {
    const open = await oneOfEach[0]!.open(broker)
    t.after(() => open.close())
    const place = await open.create()
    await aws.createQueue('credentials')
    const refused = aws.faults.failCalls({ code: 'UnrecognizedClientException', status: 403 })
    t.after(() => refused.end())
    const { connection, from } = open.config(place)
    const main = { connection: 'cloud', queue: 'credentials' }
    const bridge = await runBridge(t, {
      defaults: { ...quick, dead_letter: [{ folder: deadFolder(t).path }] },
      connections: { broker: connection, cloud: awsConnection('sqs', aws) },
      routes: { only: { from: { connection: 'broker', ...from }, targets: { main } } },
    })
    await open.produce(place, numbered(100))
    const reason = /AWS does not accept the credentials in region eu-west-1/
    await bridge.logged({ link: 'main', msg: /trying again/, reason })
    refused.end()
    await arrived(aws, 'credentials', numbered(100))
    assert.equal(await bridge.stop(), 0)
  })

  test('notices that SQS accepts connections and stays silent while it opens, and carries later', async t => {
    const open = await oneOfEach[0]!.open(broker)
    t.after(() => open.close())
    const place = await open.create()
    await aws.createQueue('silent')
    await using proxy = await startProxy({ port: Number(new URL(aws.endpoint).port) })
    proxy.stall()
    const { connection, from } = open.config(place)
    const main = { connection: 'cloud', queue: 'silent', send_timeout: '1s' }
    const bridge = await runBridge(t, {
      defaults: { ...quick, dead_letter: [{ folder: deadFolder(t).path }] },
      connections: {
        broker: connection,
        cloud: { ...awsConnection('sqs', aws), endpoint: `http://127.0.0.1:${proxy.port}` },
      },
      routes: { only: { from: { connection: 'broker', ...from }, targets: { main } } },
    })
    await open.produce(place, numbered(100))
    await bridge.logged({ link: 'main', msg: /trying again/, reason: /did not answer in time/ })
    proxy.resume()
    await arrived(aws, 'silent', numbered(100))
    assert.equal(await bridge.stop(), 0)
  })
})
