import { crc32 } from 'node:zlib'

/**
 * How a record stands in its segment:
 *
 * | bytes | |
 * | --- | --- |
 * | 8 | marker of the segment, by which the next record is found behind a damaged one |
 * | 4 | length of the content |
 * | 6 | sequence number |
 * | 1 | flags: 1 the content is encrypted |
 * | 1 | 0 |
 * | 4 | CRC-32 of the content |
 * | 4 | CRC-32 of the 24 bytes before |
 *
 * and then the content. The marker is random for each segment, so that no message can hold a record that is taken for one.
 */
export const headSize = 28
export const markerSize = 8
const encrypted = 1

export interface Head {
  /** Of the content. */
  readonly length: number
  readonly seq: number
  readonly isEncrypted: boolean
  readonly crc: number
}

/** Bytes of a record with this content. */
export const frameSize = (content: Uint8Array): number => headSize + content.length

/** Writes a record into `into` at `at`, where there is room for it. */
export function writeFrame(
  into: Buffer,
  at: number,
  marker: Uint8Array,
  seq: number,
  content: Uint8Array,
  isEncrypted: boolean,
): void {
  into.set(marker, at)
  into.writeUInt32BE(content.length, at + 8)
  into.writeUIntBE(seq, at + 12, 6)
  into[at + 18] = isEncrypted ? encrypted : 0
  into[at + 19] = 0
  into.writeUInt32BE(crc32(content), at + 20)
  into.writeUInt32BE(crc32(into.subarray(at, at + 24)), at + 24)
  into.set(content, at + headSize)
}

/** The head of a record at the beginning of `bytes`; undefined where there is none that is whole. */
export function readHead(bytes: Buffer, marker: Uint8Array): Head | undefined {
  if (bytes.length < headSize || bytes.compare(marker, 0, markerSize, 0, markerSize) !== 0) return undefined
  if (bytes.readUInt32BE(24) !== crc32(bytes.subarray(0, 24))) return undefined
  return {
    length: bytes.readUInt32BE(8),
    seq: bytes.readUIntBE(12, 6),
    isEncrypted: bytes[18] === encrypted,
    crc: bytes.readUInt32BE(20),
  }
}

export const isWhole = (head: Head, content: Uint8Array): boolean => crc32(content) === head.crc
