import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'

/** An MQTT broker in this process. */
export async function startMqttBroker() {
  const aedes = await Aedes.createBroker()
  const server = createServer(aedes.handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const commands = new Set<string>()
  aedes.subscribe(
    'plant/+/command',
    ({ topic, payload }, done) => {
      commands.add(`${topic} ${payload}`)
      done()
    },
    () => {},
  )
  return {
    /** Different commands that came for the machines of the plant. */
    get commanded() {
      return commands.size
    },
    url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put: (topic: string, payload: string | Buffer) =>
      aedes.publish(
        { cmd: 'publish', topic, payload, qos: 1, retain: false, dup: false },
        error => error && process.stderr.write(`publishing to ${topic}: ${error.message}\n`),
      ),
    async close() {
      await new Promise<void>(resolve => aedes.close(resolve))
      server.close()
    },
  }
}
