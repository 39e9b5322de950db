/** What amqplib hands on as a message's `properties` once `keepRawProperties` was called for its connection. */
export interface RawProperties {
  /** The property flags and list of the content header frame, as they came. */
  readonly raw: Buffer
}

/** The parts of amqplib 2's internal connection that are relied upon. */
interface FrameReader {
  rest: Buffer
  recvFrame(): unknown
  /** True once it expects no more of its socket: it has ended, or is about to. */
  readonly expectSocketClose: boolean
}

/** Has it died before anybody could listen? amqplib tells only those who listened before. */
export const isEnded = (connection: unknown): boolean => (connection as FrameReader).expectSocketClose

const frameHeader = 7
const contentHeader = 2
const basicClass = 60
const frameEnd = 0xce

/**
 * Makes amqplib leave the message properties of this one connection undecoded. amqplib's own decoding forgets the
 * types of header values (int8 and double both become a number, int64 is rounded past 2^53) and takes the whole
 * connection down at a type that it does not know. Only content header frames are read here, by a method set on the
 * one connection object; every other frame, and every other user of amqplib in the process, takes its usual way.
 */
export function keepRawProperties(connection: unknown): void {
  const reader = connection as FrameReader
  const { recvFrame } = reader
  if (
    typeof recvFrame !== 'function' ||
    !Buffer.isBuffer(reader.rest) ||
    typeof reader.expectSocketClose !== 'boolean'
  ) {
    throw new Error('this version of amqplib is unknown: its connection has another shape')
  }
  reader.recvFrame = function (this: FrameReader) {
    return contentHeaderFrame(this) ?? recvFrame.call(this)
  }
}

/** The next frame in amqplib's form when it is a complete content header; amqplib deals with all others. */
function contentHeaderFrame(reader: FrameReader): object | undefined {
  const { rest } = reader
  if (rest.length < frameHeader || rest[0] !== contentHeader) return undefined
  const end = frameHeader + rest.readUInt32BE(3)
  if (rest.length <= end || rest[end] !== frameEnd || rest.readUInt16BE(frameHeader) !== basicClass) {
    return undefined
  }
  reader.rest = rest.subarray(end + 1)
  return {
    id: basicClass,
    channel: rest.readUInt16BE(1),
    size: Number(rest.readBigUInt64BE(frameHeader + 4)),
    fields: { raw: rest.subarray(frameHeader + 12, end) } satisfies RawProperties,
  }
}

/** The same of its channel. */
interface ContentReader {
  acceptMessageFrame(frame: { readonly size?: number; readonly content?: Buffer }): void
}

/** Every body frame but the last of a message is full, and 4096 bytes are the least that a peer may be held to (frame-min-size). */
const leastFrame = 2_048

/**
 * Bounds what amqplib gathers for one message of this channel. A larger one is told at its content header, before its body is there;
 * nothing of the channel is kept after that, and it is to be closed.
 */
export function boundMessages(channel: unknown, most: number, tooLarge: (error: Error) => void): void {
  const reader = channel as ContentReader
  const { acceptMessageFrame } = reader
  if (typeof acceptMessageFrame !== 'function') {
    throw new Error('this version of amqplib is unknown: its channel has another shape')
  }
  let gathered = 0
  let refused = false
  reader.acceptMessageFrame = function (this: ContentReader, frame) {
    if (refused) return
    const { size, content } = frame
    if (content) gathered += Math.max(content.length, leastFrame)
    else gathered = 0
    refused = (size ?? 0) > most || gathered > most + leastFrame
    if (refused)
      tooLarge(
        new Error(`a message has ${size ?? `more than ${most}`} bytes, and max_message_size is ${most}`),
      )
    else acceptMessageFrame.call(this, frame)
  }
}
