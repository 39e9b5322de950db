/** Frame header, descriptor, list of six fields (specification part 2, sections 2.3 and 2.7.5). */
const headSize = 33

/** What the RFC guarantees (section 2.3.1), for a peer that names no size. */
const smallestMax = 512

/** The transfer frames of one message. */
export interface Frames {
  readonly count: number
  /** Adds the n-th to those that are to be written, and returns its size. */
  write(n: number, to: Buffer[]): number
}

/** Cuts a message into frames that the peer takes. `id` is the delivery's id and makes its tag. */
export function framesOf(
  bytes: Buffer,
  id: number,
  link: { readonly channel: number; readonly handle: number },
  maxFrameSize: number | undefined,
): Frames {
  const room = Math.max(smallestMax, maxFrameSize || 0xffff_ffff) - headSize
  const count = Math.max(1, Math.ceil(bytes.length / room))
  return {
    count,
    write(n, to) {
      const piece = count === 1 ? bytes : bytes.subarray(n * room, (n + 1) * room)
      to.push(head(piece.length, id, link, n < count - 1), piece)
      return headSize + piece.length
    },
  }
}

/** handle, delivery-id, delivery-tag, message-format 0, settled false, more. */
function head(
  piece: number,
  id: number,
  { channel, handle }: { readonly channel: number; readonly handle: number },
  more: boolean,
): Buffer {
  const head = Buffer.allocUnsafe(headSize)
  head.writeUInt32BE(headSize + piece, 0)
  head.writeUInt16BE(0x0200, 4) // data offset 2, type AMQP
  head.writeUInt16BE(channel, 6)
  head.writeUInt32BE(0x00_53_14_c0, 8) // transfer, list8
  head.writeUInt16BE(((headSize - 13) << 8) | 6, 12) // bytes after the size, fields
  head[14] = 0x70
  head.writeUInt32BE(handle, 15)
  head[19] = 0x70
  head.writeUInt32BE(id, 20)
  head.writeUInt16BE(0xa004, 24)
  head.writeUInt32BE(id, 26)
  head[30] = 0x43
  head[31] = 0x42
  head[32] = more ? 0x41 : 0x42
  return head
}
