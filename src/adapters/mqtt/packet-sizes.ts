import type { Socket } from 'node:net'
import { LinkLost } from '../../core/errors.ts'

/** Beside the pipe to MQTT.js, and after it was made: that pauses and resumes the socket as before. */
export function boundPackets(socket: Socket, most: number, fail: (error: Error) => void): void {
  const sizes = new PacketSizes(most)
  socket.on('data', chunk => {
    const size = sizes.tooLarge(chunk as Buffer)
    if (size === undefined) return
    fail(new LinkLost(`the broker announced a packet of ${size} bytes, and max_message_size is ${most}`))
  })
}

/**
 * Follows a stream of MQTT packets by their headers alone (section 2.1.4: one byte, then the length of the rest in up to
 * four bytes of seven bits), so that a packet is known to be too large before MQTT.js gathers it.
 */
class PacketSizes {
  readonly #most: number
  /** Bytes of the packet that are still to come. */
  #left = 0
  #length = 0
  /** Bits of the length that were read; undefined before the first byte of a packet. */
  #bits: number | undefined

  constructor(most: number) {
    this.#most = most
  }

  /** The length of the first packet in this chunk that is too large. */
  tooLarge(chunk: Buffer): number | undefined {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, chunk.length - at)
        this.#left -= skipped
        at += skipped
      } else if (this.#header(chunk[at++]!) && this.#left > this.#most) return this.#left
    }
    return undefined
  }

  /** True once the length is known. */
  #header(byte: number): boolean {
    if (this.#bits === undefined) {
      this.#bits = 0
      this.#length = 0
      return false
    }
    this.#length += (byte & 0x7f) * 2 ** this.#bits
    this.#bits += 7
    if (byte >= 0x80 && this.#bits < 28) return false
    this.#bits = undefined
    this.#left = this.#length
    return true
  }
}
