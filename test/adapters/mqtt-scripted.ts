import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet'
import { until } from '../support/until.ts'

type Script = (packet: Packet, client: Conversation) => void

/** What one client said to a scripted broker, and what is said to it. */
export class Conversation {
  readonly heard: Packet[] = []
  readonly socket: Socket
  readonly #version: 4 | 5
  #ended = false

  constructor(socket: Socket, version: 4 | 5) {
    this.socket = socket
    this.#version = version
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#ended = true
    })
  }

  say(packet: Packet): void {
    this.socket.write(mqttPacket.generate(packet, { protocolVersion: this.#version }))
  }

  publish(messageId: number, payload: string, more: Partial<IPublishPacket> = {}): void {
    this.say({ cmd: 'publish', topic: 'a/b', qos: 1, dup: false, retain: false, messageId, payload, ...more })
  }

  /** The packet ids acknowledged, in the order they came. */
  get acknowledged(): number[] {
    return this.heard.filter(p => p.cmd === 'puback').map(p => p.messageId!)
  }

  /** Waits until the client has said this at least so often. */
  async hears(cmd: Packet['cmd'], times: number): Promise<void> {
    await until(() => this.count(cmd) >= times, { what: `${times} ${cmd}` })
  }

  async gone(): Promise<void> {
    await until(() => this.#ended, { what: 'the client to be gone' })
  }

  count(cmd: Packet['cmd']): number {
    return this.heard.filter(p => p.cmd === cmd).length
  }
}

/** What a well-behaved broker answers; a script does this and more, or something else. */
export const polite: Script = (packet, client) => {
  if (packet.cmd === 'connect')
    client.say({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false })
  if (packet.cmd === 'subscribe') client.say({ cmd: 'suback', messageId: packet.messageId!, granted: [1] })
  if (packet.cmd === 'pingreq') client.say({ cmd: 'pingresp' })
  if (packet.cmd === 'disconnect') client.socket.end()
}

/** A broker of version 5 that accepts a client and sends it away at once (server busy), both in one segment. */
export const disconnectsWithConnack: Script = (packet, client) => {
  if (packet.cmd === 'connect') client.socket.end(Buffer.of(0x20, 3, 0, 0, 0, 0xe0, 2, 0x89, 0))
}

/** A broker that does what a test says, byte for byte: for what real ones do rarely or never. */
export class ScriptedBroker {
  readonly clients: Conversation[] = []
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
  }

  static async listen(version: 4 | 5 = 4, script: Script = polite): Promise<ScriptedBroker> {
    const server = createServer()
    const broker = new ScriptedBroker(server)
    server.on('connection', socket => {
      const client = new Conversation(socket, version)
      broker.clients.push(client)
      const parser = mqttPacket.parser({ protocolVersion: version })
      parser.on('packet', packet => {
        client.heard.push(packet)
        script(packet, client)
      })
      socket.on('data', data => parser.parse(data))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return broker
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get last(): Conversation {
    return this.clients.at(-1)!
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.socket.destroy()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
