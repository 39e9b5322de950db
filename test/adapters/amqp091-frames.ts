import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TcpAddress } from './fixture.ts'

const short = (text: string): Buffer => Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)])
const number = (value: number, bytes: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}

/** A method frame (AMQP 0-9-1, 4.2.4). */
export function methodFrame(channel: number, classId: number, methodId: number, ...fields: Buffer[]): Buffer {
  const content = Buffer.concat([number(classId, 2), number(methodId, 2), ...fields])
  return Buffer.concat([
    Buffer.of(1),
    number(channel, 2),
    number(content.length, 4),
    content,
    Buffer.of(0xce),
  ])
}

export const blocked = (reason: string): Buffer => methodFrame(0, 10, 60, short(reason))

export const channelClose = (channel: number, code: number, text: string): Buffer =>
  methodFrame(channel, 20, 40, number(code, 2), short(text), number(0, 2), number(0, 2))

export const channelCloseOk = (channel: number): Buffer => methodFrame(channel, 20, 41)

/** basic.nack of everything, with multiple and requeue. */
export const nackAll = (channel: number): Buffer =>
  methodFrame(channel, 60, 120, number(0, 6), number(0, 2), Buffer.of(3))

/** Stands between a client and the broker and speaks AMQP to the client in the broker's name. */
export class Impostor {
  readonly address: TcpAddress
  readonly #server: Server
  readonly #clients: Socket[]
  /** Bytes of the client that the broker does not get to see, each once. */
  readonly swallow: Buffer[] = []
  /** What the broker says is changed where it matches; the length must stay. */
  rewrite: readonly [pattern: RegExp, by: (text: string) => string] | undefined
  readonly #ends: Socket[] = []
  readonly #heard: Buffer[] = []

  static async start(broker: TcpAddress): Promise<Impostor> {
    const clients: Socket[] = []
    const server = createServer(client => {
      clients.push(client)
      impostor.#join(client, connect(broker.port, broker.host))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const impostor = new Impostor({ host: '127.0.0.1', port }, server, clients)
    return impostor
  }

  private constructor(address: TcpAddress, server: Server, clients: Socket[]) {
    this.address = address
    this.#server = server
    this.#clients = clients
  }

  /** How many connections were made. */
  get connections(): number {
    return this.#clients.length
  }

  /** All that the clients said. */
  get heard(): Buffer {
    return Buffer.concat(this.#heard)
  }

  /** Says this to every client; call it while the broker is quiet, so that it lands between two frames. */
  say(frame: Buffer): void {
    for (const client of this.#clients) client.write(frame)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#ends) socket.destroy()
  }

  #join(client: Socket, broker: Socket): void {
    this.#ends.push(client, broker)
    broker.on('data', bytes => client.write(this.#rewritten(bytes)))
    client.on('data', bytes => {
      this.#heard.push(bytes)
      broker.write(this.#without(bytes))
    })
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
    }
  }

  #rewritten(bytes: Buffer): Buffer {
    if (!this.rewrite) return bytes
    const [pattern, by] = this.rewrite
    return Buffer.from(bytes.toString('latin1').replace(pattern, by), 'latin1')
  }

  #without(bytes: Buffer): Buffer {
    const index = this.swallow.findIndex(s => bytes.includes(s))
    if (index < 0) return bytes
    const [gone] = this.swallow.splice(index, 1)
    const at = bytes.indexOf(gone!)
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + gone!.length)])
  }
}
