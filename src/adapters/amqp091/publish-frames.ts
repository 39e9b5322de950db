import type { ConfirmChannel } from 'amqplib'
import type { AmqpPrepared } from './encode.ts'

/** The parts of an amqplib 2 channel and its connection that are relied upon. */
interface ChannelInside {
  readonly ch: number
  readonly connection: {
    sentSinceLastCheck: boolean
    readonly frameMax: number
    readonly channels: readonly ({ readonly buffer: { write(frames: Buffer): boolean } } | null)[]
  }
  pushConfirmCallback(confirmed: (error: Error | null) => void): void
}

/** Seven bytes before the content of a frame and one behind it. */
const around = 8
/** Frames are written in pieces of about this size. */
const pieceSize = 65_536

const insideOf = (channel: ConfirmChannel): ChannelInside => channel as unknown as ChannelInside

/** Throws where amqplib is not as it is known here. */
export function checkShape(channel: ConfirmChannel): void {
  const { ch, connection, pushConfirmCallback } = insideOf(channel)
  const isKnown =
    typeof ch === 'number' &&
    typeof connection?.channels?.[ch]?.buffer?.write === 'function' &&
    typeof connection.frameMax === 'number' &&
    typeof connection.sentSinceLastCheck === 'boolean' &&
    typeof pushConfirmCallback === 'function'
  if (!isKnown) throw new Error('this version of amqplib is unknown: its channel has another shape')
}

/** The bytes that a property list may have on this connection. */
export const maxPropertiesOn = (channel: ConfirmChannel): number =>
  insideOf(channel).connection.frameMax - around - 12

/**
 * Writes basic.publish to one channel, properties as they were encoded: amqplib guesses the types of header values from
 * JavaScript's and takes a table of its users for one of its own (`{'!': type}`). Small messages are collected
 * and written together at the end of a turn of the event loop.
 */
export class PublishFrames {
  readonly #channel: ChannelInside
  readonly #maxBody: number
  #pieces: Buffer[] = []
  #bytes = 0
  #isScheduled = false
  #hasRoom = true
  #isOver = false

  constructor(channel: ConfirmChannel) {
    this.#channel = insideOf(channel)
    this.#maxBody = this.#channel.connection.frameMax - around
    channel.on('drain', () => {
      this.#hasRoom = true
    })
  }

  /** False when the socket does not take what was written; the channel says `drain` when it does again. */
  get hasRoom(): boolean {
    return this.#hasRoom
  }

  /** Nothing is written any more: the number of the channel may be another's. */
  end(): void {
    this.#isOver = true
    this.#pieces = []
  }

  write(message: AmqpPrepared, isMandatory: boolean, confirmed: (error: Error | null) => void): void {
    this.#channel.pushConfirmCallback(confirmed)
    const { body } = message
    const first = body.subarray(0, this.#maxBody)
    this.#add(this.#opening(message, isMandatory, first))
    for (let at = first.length; at < body.length; at += this.#maxBody) {
      this.#add(this.#bodyFrame(body.subarray(at, at + this.#maxBody)))
    }
    if (this.#isScheduled || this.#isOver || this.#pieces.length === 0) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#flush()
    })
  }

  #add(frames: Buffer): void {
    this.#pieces.push(frames)
    this.#bytes += frames.length
    if (this.#bytes >= pieceSize) this.#flush()
  }

  #flush(): void {
    const pieces = this.#pieces
    const bytes = this.#bytes
    this.#pieces = []
    this.#bytes = 0
    if (this.#isOver || pieces.length === 0) return
    const { ch, connection } = this.#channel
    connection.sentSinceLastCheck = true
    const together = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, bytes)
    this.#hasRoom = connection.channels[ch]!.buffer.write(together)
  }

  /** The method frame, the content header frame and the first frame of the body (AMQP 0-9-1, 2.3.5 and 4.2.6). */
  #opening(
    { exchange, routingKey, properties, body }: AmqpPrepared,
    isMandatory: boolean,
    first: Buffer,
  ): Buffer {
    const exchangeLength = Buffer.byteLength(exchange)
    const keyLength = Buffer.byteLength(routingKey)
    const method = 4 + 2 + 1 + exchangeLength + 1 + keyLength + 1
    const header = 12 + properties.length
    const content = first.length === 0 ? 0 : around + first.length
    const frames = Buffer.allocUnsafe(around + method + around + header + content)
    let at = this.#begin(frames, 0, 1, method)
    at = frames.writeUInt32BE(0x003c_0028, at)
    at = frames.writeUInt16BE(0, at)
    at = short(frames, at, exchange, exchangeLength)
    at = short(frames, at, routingKey, keyLength)
    at = frames.writeUInt8(isMandatory ? 1 : 0, at)
    at = frames.writeUInt8(0xce, at)
    at = this.#begin(frames, at, 2, header)
    at = frames.writeUInt32BE(0x003c_0000, at)
    at = frames.writeBigUInt64BE(BigInt(body.length), at)
    at += properties.copy(frames, at)
    at = frames.writeUInt8(0xce, at)
    if (content > 0) this.#content(frames, at, first)
    return frames
  }

  #bodyFrame(part: Buffer): Buffer {
    const frame = Buffer.allocUnsafe(around + part.length)
    this.#content(frame, 0, part)
    return frame
  }

  #content(frames: Buffer, from: number, part: Buffer): void {
    const at = this.#begin(frames, from, 3, part.length)
    frames.writeUInt8(0xce, at + part.copy(frames, at))
  }

  #begin(frames: Buffer, at: number, type: number, length: number): number {
    frames[at] = type
    frames.writeUInt16BE(this.#channel.ch, at + 1)
    return frames.writeUInt32BE(length, at + 3)
  }
}

function short(frames: Buffer, at: number, text: string, length: number): number {
  frames[at] = length
  frames.write(text, at + 1)
  return at + 1 + length
}
