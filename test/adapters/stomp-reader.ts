import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { TcpAddress } from './fixture.ts'
import { Mailbox, type Received } from './sink-fixture.ts'
import type { Login } from './stomp-client.ts'

/** A MESSAGE frame as a STOMP 1.2 client reads it that shares no code with the adapter. */
export interface StompMessage {
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
}

/** Reads places: each by a subscription of its own that begins with its first reader and keeps what comes for the next. */
export class StompReader {
  readonly #mailboxes = new Map<string, Mailbox<StompMessage>>()
  readonly #ids: string[] = []
  /** By the id of the subscription. */
  readonly #implicit = new Map<string, Mailbox<StompMessage>>()
  readonly #socket: Socket
  readonly #connected = Promise.withResolvers<void>()
  #rest: Buffer = Buffer.alloc(0)

  static async open({ host, port }: TcpAddress, { username, password }: Login): Promise<StompReader> {
    const socket = connect(port, host)
    await once(socket, 'connect')
    const reader = new StompReader(socket)
    socket.write(`CONNECT\naccept-version:1.2\nhost:/\nlogin:${username}\npasscode:${password}\n\n\0`)
    await reader.#connected.promise
    return reader
  }

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay().on('error', error => this.#connected.reject(error))
    socket.on('data', chunk => this.#take(chunk))
  }

  /** `lines` are those of SUBSCRIBE beside its id. */
  read(lines: readonly string[], isLast: (received: Received<StompMessage>) => boolean): Promise<void> {
    const key = lines.join('\n')
    let mailbox = this.#mailboxes.get(key)
    if (!mailbox) {
      mailbox = new Mailbox()
      this.#mailboxes.set(key, mailbox)
      this.#ids.push(key)
      this.#socket.write(`SUBSCRIBE\nid:${this.#ids.length - 1}\nack:auto\n${key}\n\n\0`)
    }
    return mailbox.read(isLast)
  }

  /** Reads answers at the address `own`; RabbitMQ subscribes to a temporary queue by itself when it is sent with. */
  answers(
    own: string,
    isImplicit: boolean,
    isLast: (received: Received<StompMessage>) => boolean,
  ): Promise<void> {
    const mailbox = new Mailbox<StompMessage>()
    this.#implicit.set(own, mailbox)
    if (!isImplicit) {
      this.say('SUBSCRIBE', [`id:${own}`, 'ack:auto', `destination:${own}`])
    }
    return mailbox.read(isLast)
  }

  say(command: string, lines: readonly string[], body = ''): void {
    this.#socket.write(`${command}\n${lines.join('\n')}\n\n${body}\0`)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (;;) {
      while (this.#rest[0] === 10) this.#rest = this.#rest.subarray(1)
      const head = this.#rest.indexOf('\n\n')
      if (head < 0) return
      const [command, ...lines] = this.#rest.toString('utf8', 0, head).split('\n')
      const headers = new Map<string, string>()
      for (const line of lines) {
        const [name, value] = line.split(':').map(unescaped) as [string, string]
        if (!headers.has(name)) headers.set(name, value)
      }
      const length = headers.get('content-length')
      const end = length === undefined ? this.#rest.indexOf(0, head + 2) : head + 2 + Number(length)
      if (end < 0 || end >= this.#rest.length) return
      const body = Buffer.from(this.#rest.subarray(head + 2, end))
      this.#rest = this.#rest.subarray(end + 1)
      if (command === 'CONNECTED') this.#connected.resolve()
      else if (command === 'MESSAGE') this.#put({ headers, body })
    }
  }

  #put(native: StompMessage): void {
    const subscription = native.headers.get('subscription')!
    const mailbox = this.#implicit.get(subscription) ?? this.#mailboxes.get(this.#ids[Number(subscription)]!)
    mailbox!.put({ body: native.body, native })
  }
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, c: string) => ({ n: '\n', r: '\r', c: ':' })[c] ?? c)
