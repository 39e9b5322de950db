import type { Socket } from 'node:net'

/** What is to be sent: put together until the end of this turn of the event loop, and then written in one go. */
export class Outgoing {
  readonly #socket: Socket
  #parts: (string | Uint8Array)[] = []
  #size = 0

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Bytes, near enough, that the operating system has not taken yet. */
  get size(): number {
    return this.#size + this.#socket.writableLength
  }

  write(part: string | Uint8Array): void {
    if (this.#parts.length === 0) setImmediate(() => this.#flush())
    this.#parts.push(part)
    this.#size += part.length
  }

  #flush(): void {
    const parts = this.#parts
    this.#parts = []
    this.#size = 0
    if (this.#socket.destroyed) return
    this.#socket.cork()
    let text = ''
    for (const part of parts) {
      if (typeof part === 'string') text += part
      else {
        if (text !== '') this.#socket.write(text)
        text = ''
        this.#socket.write(part)
      }
    }
    if (text !== '') this.#socket.write(text)
    this.#socket.uncork()
  }
}
