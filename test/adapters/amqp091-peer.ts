import { once } from 'node:events'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** amqplib's own tables of the protocol: number of the method, and how it is written. */
const defs = createRequire(import.meta.url)(
  join(import.meta.dirname, '../../node_modules/amqplib/lib/defs.js'),
) as Record<string, number> & {
  encodeMethod(id: number, channel: number, fields: object): Buffer
}

const answers: Readonly<Record<string, readonly [string, object]>> = {
  ConnectionStartOk: ['ConnectionTune', { channelMax: 10, frameMax: 131_072, heartbeat: 0 }],
  ConnectionOpen: ['ConnectionOpenOk', {}],
  ConnectionClose: ['ConnectionCloseOk', {}],
  ChannelOpen: ['ChannelOpenOk', {}],
  ChannelClose: ['ChannelCloseOk', {}],
  QueueDeclare: ['QueueDeclareOk', { queue: 'q', messageCount: 0, consumerCount: 0 }],
  BasicQos: ['BasicQosOk', {}],
  BasicConsume: ['BasicConsumeOk', { consumerTag: 'tag' }],
  BasicCancel: ['BasicCancelOk', { consumerTag: 'tag' }],
}

const properties = { product: 'RabbitMQ', version: '4.0.5', capabilities: {} }

/** A server that says what any broker says, and then what the test wants. */
export class Peer091 {
  readonly port: number
  readonly #consuming = Promise.withResolvers<string>()
  #socket: Socket | undefined

  private constructor(port: number) {
    this.port = port
  }

  static async listen(t: TestContext): Promise<Peer091> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const peer = new Peer091((server.address() as AddressInfo).port)
    server.on('connection', socket => peer.#serve(socket))
    t.after(() => {
      peer.#socket?.destroy()
      server.close()
    })
    return peer
  }

  /** Resolves when somebody consumes. */
  get consuming(): Promise<string> {
    return this.#consuming.promise
  }

  get socket(): Socket {
    return this.#socket!
  }

  /** Announces a message, with a body of so many bytes. */
  announce(tag: string, size: bigint): void {
    this.#say(1, 'BasicDeliver', {
      consumerTag: tag,
      deliveryTag: 1,
      redelivered: false,
      exchange: '',
      routingKey: 'q',
    })
    const header = Buffer.alloc(14)
    header.writeUInt16BE(60, 0)
    header.writeBigUInt64BE(size, 4)
    this.frame(2, header)
  }

  frame(type: number, content: Buffer): boolean {
    const head = Buffer.alloc(7)
    head.writeUInt8(type, 0)
    head.writeUInt16BE(1, 1)
    head.writeUInt32BE(content.length, 3)
    return this.socket.write(Buffer.concat([head, content, Buffer.of(0xce)]))
  }

  #serve(socket: Socket): void {
    this.#socket = socket.on('error', () => {})
    let rest = Buffer.alloc(0)
    socket.on('data', chunk => {
      rest = Buffer.concat([rest, chunk as Buffer])
      if (rest.subarray(0, 4).toString() === 'AMQP') {
        rest = rest.subarray(8)
        const start = { versionMajor: 0, versionMinor: 9, serverProperties: properties }
        this.#say(0, 'ConnectionStart', {
          ...start,
          mechanisms: Buffer.from('PLAIN'),
          locales: Buffer.from('en_US'),
        })
      }
      while (rest.length >= 8 && rest.length >= rest.readUInt32BE(3) + 8) {
        this.#hear(rest)
        rest = rest.subarray(rest.readUInt32BE(3) + 8)
      }
    })
  }

  #hear(frame: Buffer): void {
    if (frame[0] !== 1) return
    const id = frame.readUInt32BE(7)
    const name = Object.keys(answers).find(n => defs[n] === id)
    if (name === undefined) return
    const [answer, fields] = answers[name]!
    if (name === 'BasicConsume') {
      const at = 11 + 2 + 1 + frame[13]!
      const consumerTag = frame.toString('latin1', at + 1, at + 1 + frame[at]!)
      this.#say(frame.readUInt16BE(1), answer, { consumerTag })
      this.#consuming.resolve(consumerTag)
    } else this.#say(frame.readUInt16BE(1), answer, fields)
  }

  #say(channel: number, method: string, fields: object): void {
    this.socket.write(defs.encodeMethod(defs[method]!, channel, fields))
  }
}
