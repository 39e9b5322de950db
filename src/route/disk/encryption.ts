import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

const tagSize = 16
/** Bytes of an id of a key. */
export const keyIdSize = 8

/**
 * AES-256-GCM of each record. Every segment has a key of its own, derived from the key of the configuration and the random
 * salt of the segment, and the nonce of a record is its sequence number, which occurs once in a segment: no nonce is used
 * twice, however much is written with one key.
 */
export class DiskKey {
  readonly #key: Buffer
  /** Tells one key from another, and nothing of what it is. */
  readonly id: Buffer

  constructor(key: Buffer) {
    this.#key = key
    this.id = this.#derive(Buffer.alloc(0), 'sluice disk buffer: key id', keyIdSize)
  }

  ofSegment(salt: Uint8Array): SegmentKey {
    return new SegmentKey(createSecretKey(this.#derive(salt, 'sluice disk buffer: segment', 32)))
  }

  #derive(salt: Uint8Array, use: string, length: number): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#key, salt, use, length))
  }
}

export class SegmentKey {
  readonly #key: KeyObject

  constructor(key: KeyObject) {
    this.#key = key
  }

  encrypt(seq: number, content: Uint8Array): Buffer {
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce(seq))
    return Buffer.concat([cipher.update(content), cipher.final(), cipher.getAuthTag()])
  }

  /** Throws where it was encrypted with another key, or changed. */
  decrypt(seq: number, content: Buffer): Buffer {
    const end = content.length - tagSize
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce(seq), { authTagLength: tagSize })
    decipher.setAuthTag(content.subarray(end))
    return Buffer.concat([decipher.update(content.subarray(0, end)), decipher.final()])
  }
}

function nonce(seq: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUIntBE(seq, 6, 6)
  return bytes
}
