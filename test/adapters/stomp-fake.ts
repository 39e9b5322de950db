import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { until } from '../support/until.ts'

/** A frame of the client, which never has a body here. */
export interface Said {
  readonly command: string
  readonly headers: ReadonlyMap<string, string>
}

/** What a broker may answer to a frame; undefined is silence. */
export type Answer = (said: Said) => string | undefined

/** CONNECTED, and a RECEIPT for whoever asks for one. */
export const polite =
  (connected = 'version:1.2\nserver:ActiveMQ/5.19.0\nheart-beat:0,0'): Answer =>
  ({ command, headers }) => {
    if (command === 'CONNECT') return `CONNECTED\n${connected}\n\n\0`
    const receipt = headers.get('receipt')
    return receipt === undefined ? undefined : `RECEIPT\nreceipt-id:${receipt}\n\n\0`
  }

/** A STOMP server that says what a test wants it to say. What it says unasked goes to the client that came first and is still there. */
export class FakeBroker {
  readonly said: Said[] = []
  /** Chunks that came, to see how writes were put together. */
  readonly chunks: string[] = []
  readonly #server = createServer(socket => this.#serve(socket))
  readonly #answer: Answer
  readonly #sockets = new Set<Socket>()
  readonly #sayers = new Map<Said, Socket>()

  static async start(t: TestContext, answer: Answer = polite()): Promise<FakeBroker> {
    const broker = new FakeBroker(answer)
    broker.#server.listen(0, '127.0.0.1')
    await once(broker.#server, 'listening')
    t.after(() => {
      for (const socket of broker.#sockets) socket.destroy()
      broker.#server.close()
    })
    return broker
  }

  private constructor(answer: Answer) {
    this.#answer = answer
  }

  get url(): string {
    return `stomp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** False while the client does not read. */
  send(bytes: string | Uint8Array): boolean {
    return this.#first.write(bytes)
  }

  /** Answers the last that said such a thing. */
  sendTo(isOne: (said: Said) => boolean, bytes: string): void {
    this.#sayers.get(this.said.findLast(isOne)!)!.write(bytes)
  }

  /** Resolves when the operating system has taken the bytes, which it does up to what its buffers hold. */
  passOn(bytes: Uint8Array): Promise<void> {
    return new Promise(resolve => this.#first.write(bytes, () => resolve()))
  }

  hangUp(): void {
    this.#first.end()
  }

  heard(command: string): readonly Said[] {
    return this.said.filter(s => s.command === command)
  }

  /** Waits for so many frames of this kind. */
  async hears(command: string, count = 1): Promise<readonly Said[]> {
    await until(() => this.heard(command).length >= count, { what: `${count} ${command}` })
    return this.heard(command)
  }

  /** Line ends between frames that came so far. */
  get beats(): number {
    return this.chunks.filter(c => c === '\n').length
  }

  get #first(): Socket {
    const [first] = this.#sockets
    return first!
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket)))
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      this.chunks.push(chunk)
      const frames = (text + chunk).split('\0')
      text = frames.pop()!
      for (const frame of frames) this.#hear(socket, frame.trimStart())
    })
  }

  #hear(socket: Socket, frame: string): void {
    const [command, ...lines] = frame.trimEnd().split('\n')
    const headers = new Map(lines.map(l => [l.slice(0, l.indexOf(':')), l.slice(l.indexOf(':') + 1)]))
    const said = { command: command!, headers }
    this.said.push(said)
    this.#sayers.set(said, socket)
    const answer = this.#answer(said)
    if (answer !== undefined) socket.write(answer)
  }
}

export const message = (n: number, body = `m${n}`, more = ''): string =>
  `MESSAGE\nsubscription:sluice\nmessage-id:ID\\c${n}\nack:a${n}\ndestination:/queue/Q\n${more}\n${body}\0`
