import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { within } from '../../src/adapters/shared/within.ts'
import type { TcpAddress } from './fixture.ts'

export interface Login {
  readonly username: string
  readonly password: string
}

/**
 * A bare STOMP 1.2 client that shares no code with the adapter: headers are given as they stand on the wire, escaped
 * by whoever writes the test.
 */
export class StompClient {
  readonly #socket: Socket
  readonly #receipts = new Map<string, PromiseWithResolvers<void>>()
  readonly #connected = Promise.withResolvers<void>()
  #text = ''
  #last = 0

  static async open({ host, port }: TcpAddress, { username, password }: Login): Promise<StompClient> {
    const socket = connect(port, host)
    await once(socket, 'connect')
    const client = new StompClient(socket)
    socket.write(`CONNECT\naccept-version:1.2\nhost:/\nlogin:${username}\npasscode:${password}\n\n\0`)
    await client.#connected.promise
    return client
  }

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay()
    socket.setEncoding('latin1').on('data', (chunk: string) => this.#read(chunk))
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the test client was disconnected')))
  }

  /** Resolves once the broker has taken the message. */
  send(destination: string, body: Uint8Array | string, headers: readonly string[] = []): Promise<void> {
    return this.say('SEND', [`destination:${destination}`, 'persistent:true', ...headers], body)
  }

  /** A body of bytes goes with a content-length, one of text without. */
  say(command: string, headers: readonly string[], body: Uint8Array | string = ''): Promise<void> {
    const id = `r${++this.#last}`
    const length = typeof body === 'string' ? [] : [`content-length:${body.length}`]
    const receipt = Promise.withResolvers<void>()
    this.#receipts.set(id, receipt)
    this.#socket.write(`${[command, ...headers, ...length, `receipt:${id}`].join('\n')}\n\n`)
    this.#socket.write(body)
    this.#socket.write('\0\n')
    return receipt.promise
  }

  async close(): Promise<void> {
    if (!this.#socket.destroyed)
      await within(5_000, 'disconnecting', this.say('DISCONNECT', [])).catch(() => {})
    this.#socket.destroy()
  }

  #read(chunk: string): void {
    const frames = (this.#text + chunk).split('\0')
    this.#text = frames.pop()!
    for (const frame of frames.map(f => f.trimStart())) {
      const receipt = /^receipt-id:(.*)$/m.exec(frame)?.[1] ?? ''
      if (frame.startsWith('CONNECTED')) this.#connected.resolve()
      else if (frame.startsWith('RECEIPT')) this.#receipts.get(receipt)?.resolve()
      else if (frame.startsWith('ERROR')) this.#fail(new Error(`the test client got ${frame}`))
    }
  }

  #fail(error: Error): void {
    this.#connected.promise.catch(() => {})
    this.#connected.reject(error)
    this.#socket.destroy()
    for (const receipt of this.#receipts.values()) {
      receipt.promise.catch(() => {})
      receipt.reject(error)
    }
  }
}
