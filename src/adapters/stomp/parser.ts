import { decodeText, type Frame, unescapeHeader, type Version } from './codec.ts'

const LF = 10
const CR = 13

/** More than any broker writes; a head beyond it is a peer that speaks something else. */
const maxHead = 1024 * 1024
const maxHeaders = 10_000

/**
 * Takes frames out of a stream of bytes, however it is cut. Throws on what is no STOMP and on what is too large; the
 * stream cannot be read on after that.
 *
 * Between frames it skips the line ends that are heart-beats. In the head it looks for the empty line, keeping the
 * chunks; then it takes as many bytes as `content-length` says, or all up to the NUL where there is none. A body is
 * copied once, or not at all when it makes up most of the chunk it came in.
 */
export class FrameParser {
  /** What the headers of the frames to come are escaped by. The first frame, CONNECTED, never is. */
  version: Version = '1.0'

  readonly #onFrame: (frame: Frame) => void
  readonly #maxBody: number
  #head: Head | undefined
  #parts: Buffer[] = []
  #partsLength = 0
  /** Of the bytes of the head so far: 0 within a line, 1 after its end, 2 after its end and a CR. */
  #lineEnd: 0 | 1 | 2 = 0

  constructor(maxBody: number, onFrame: (frame: Frame) => void) {
    this.#maxBody = maxBody
    this.#onFrame = onFrame
  }

  /** Calls `onFrame` for each frame that is complete with this chunk. The chunk must not change afterwards. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (!this.#head) at = this.#readHead(chunk, at)
      else if (this.#head.length === undefined) at = this.#readToNul(chunk, at, this.#head)
      else at = this.#readCounted(chunk, at, this.#head, this.#head.length)
    }
  }

  #readHead(chunk: Buffer, from: number): number {
    let at = from
    if (this.#partsLength === 0) {
      while (chunk[at] === LF || chunk[at] === CR) at++
    }
    const start = at
    let state = this.#lineEnd
    for (; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte === LF) {
        if (state > 0) return this.#endHead(chunk, start, at + 1)
        state = 1
      } else if (byte === CR && state === 1) state = 2
      else if (byte === 0)
        throw new Error(`a NUL among the headers after ${quote(this.#take(chunk, start, at))}`)
      else state = 0
    }
    this.#lineEnd = state
    this.#keep(chunk.subarray(start), maxHead, 'headers')
    return at
  }

  #endHead(chunk: Buffer, start: number, end: number): number {
    if (this.#partsLength + end - start > maxHead) throw tooLarge('headers', maxHead)
    this.#lineEnd = 0
    this.#head = parseHead(this.#take(chunk, start, end), this.version)
    const { length } = this.#head
    if (length !== undefined && length > this.#maxBody) throw tooLarge('a body', this.#maxBody)
    return end
  }

  #readToNul(chunk: Buffer, from: number, head: Head): number {
    const nul = chunk.indexOf(0, from)
    if (nul < 0) {
      this.#keep(chunk.subarray(from), this.#maxBody, 'a body')
      return chunk.length
    }
    if (this.#partsLength + nul - from > this.#maxBody) throw tooLarge('a body', this.#maxBody)
    this.#emit(head, this.#take(chunk, from, nul))
    return nul + 1
  }

  #readCounted(chunk: Buffer, from: number, head: Head, length: number): number {
    const end = from + length - this.#partsLength
    if (end >= chunk.length) {
      this.#keep(chunk.subarray(from), this.#maxBody, 'a body')
      return chunk.length
    }
    if (chunk[end] !== 0)
      throw new Error(`no NUL after the ${length} bytes of body of a ${head.command} frame`)
    this.#emit(head, this.#take(chunk, from, end))
    return end + 1
  }

  #emit({ command, headers, headSize }: Head, body: Buffer): void {
    this.#head = undefined
    this.#onFrame({ command, headers, body, headSize })
  }

  #keep(part: Buffer, limit: number, what: string): void {
    if (part.length === 0) return
    this.#partsLength += part.length
    if (this.#partsLength > limit) throw tooLarge(what, limit)
    this.#parts.push(part)
  }

  /** All that was kept and this piece, as one buffer that does not keep a much larger chunk in memory. */
  #take(chunk: Buffer, start: number, end: number): Buffer {
    const last = chunk.subarray(start, end)
    if (this.#parts.length === 0) return last.length * 2 > last.buffer.byteLength ? last : Buffer.from(last)
    const whole = Buffer.concat([...this.#parts, last], this.#partsLength + last.length)
    this.#parts = []
    this.#partsLength = 0
    return whole
  }
}

interface Head {
  readonly command: string
  readonly headers: Map<string, string>
  readonly headSize: number
  /** Of the body, where the head says so. */
  readonly length: number | undefined
}

function parseHead(bytes: Buffer, negotiated: Version): Head {
  const lines = linesOf(bytes)
  // A CR ends a line only for a peer that ends its first line so: ActiveMQ writes a CR at the end of a value unescaped.
  const crlf = lines[0]!.endsWith('\r')
  const line = (i: number): string => (crlf ? lines[i]!.slice(0, -1) : lines[i]!)
  const command = line(0)
  if (!commands.has(command))
    throw new Error(`it sent ${quote(bytes)}, which is no STOMP: is this the STOMP port?`)
  const version = command === 'CONNECTED' ? '1.0' : negotiated
  const headers = new Map<string, string>()
  const end = lines.length - 2
  if (end > maxHeaders) throw new Error(`more than ${maxHeaders} headers in a frame`)
  for (let i = 1; i < end; i++) {
    const text = line(i)
    const colon = text.indexOf(':')
    if (colon < 0) throw new Error(`a header without a colon: ${quote(Buffer.from(text))}`)
    const name = unescapeHeader(text.slice(0, colon), version)
    if (!headers.has(name)) headers.set(name, unescapeHeader(text.slice(colon + 1), version))
  }
  return { command, headers, headSize: bytes.length, length: contentLength(headers.get('content-length')) }
}

/**
 * Header text that is no UTF-8 (RabbitMQ passes AMQP headers through) must not stop the queue: it is shown with U+FFFD.
 * Each line for itself, since their text may come from several clients.
 */
function linesOf(bytes: Buffer): string[] {
  const text = bytes.toString('utf8')
  if (!text.includes('\ufffd')) return text.split('\n')
  const lines: string[] = []
  for (let from = 0; from <= bytes.length; ) {
    const end = bytes.indexOf(0x0a, from)
    const line = bytes.subarray(from, end < 0 ? bytes.length : end)
    lines.push(decodeText(line) ?? line.toString('utf8'))
    from += line.length + 1
  }
  return lines
}

const commands: ReadonlySet<string> = new Set(['MESSAGE', 'RECEIPT', 'ERROR', 'CONNECTED'])

function contentLength(written: string | undefined): number | undefined {
  if (written === undefined) return undefined
  if (!/^ *\d{1,15} *$/.test(written)) throw new Error(`a content-length of "${written.slice(0, 40)}"`)
  return Number(written)
}

const tooLarge = (what: string, limit: number): Error =>
  new Error(`${what} of more than ${limit} bytes in a frame, which is the limit (max_message_size)`)

/** The beginning of what came, printable. */
const quote = (bytes: Buffer): string => JSON.stringify(bytes.toString('latin1', 0, 40))
