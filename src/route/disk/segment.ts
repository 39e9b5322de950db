import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type DiskKey, keyIdSize, type SegmentKey } from './encryption.ts'
import { markerSize } from './frame.ts'

/**
 * A segment is a file of records with ascending sequence numbers. Its name has its number, by which segments are in order,
 * the sequence number that its first record has or would have, and its salt. Its header of 64 bytes repeats them and has the id
 * of the key, zeros where it is not encrypted:
 *
 * 16 bytes `sluice-disk/1\n` · 16 salt · 6 number · 6 first · 8 key id · 6 created (ms) · 2 zero · 4 CRC-32
 */
export const headerSize = 64
const form = Buffer.from('sluice-disk/1\n\0\0')
const saltSize = 16
const noKey = Buffer.alloc(keyIdSize)

export interface SegmentHeader {
  readonly number: number
  readonly first: number
  readonly salt: Buffer
  /** Absent: not encrypted. */
  readonly keyId?: Buffer
  /** Milliseconds since 1970; 0 where it is not known. */
  readonly createdAt: number
}

export function newHeader(number: number, first: number, key: DiskKey | undefined): SegmentHeader {
  return { number, first, salt: randomBytes(saltSize), createdAt: Date.now(), ...(key && { keyId: key.id }) }
}

export function headerBytes({ number, first, salt, keyId, createdAt }: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(headerSize)
  bytes.set(form)
  bytes.set(salt, 16)
  bytes.writeUIntBE(number, 32, 6)
  bytes.writeUIntBE(first, 38, 6)
  bytes.set(keyId ?? noKey, 44)
  bytes.writeUIntBE(createdAt, 52, 6)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** Undefined where it is torn or damaged: all but the key's id and the time is in the name as well. */
export function readHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < headerSize || bytes.compare(form, 0, form.length, 0, form.length) !== 0) return undefined
  if (bytes.readUInt32BE(60) !== crc32(bytes.subarray(0, 60))) return undefined
  const keyId = Buffer.from(bytes.subarray(44, 44 + keyIdSize))
  return {
    number: bytes.readUIntBE(32, 6),
    first: bytes.readUIntBE(38, 6),
    salt: Buffer.from(bytes.subarray(16, 16 + saltSize)),
    createdAt: bytes.readUIntBE(52, 6),
    ...(!keyId.equals(noKey) && { keyId }),
  }
}

const digits = (n: number, length: number): string => String(n).padStart(length, '0')

const segmentName = ({ number, first, salt }: SegmentHeader): string =>
  `${digits(number, 10)}-${digits(first, 15)}-${salt.toString('hex')}.segment`

/** What the name of a file says, where it is that of a segment. */
export function parseSegmentName(name: string): Omit<SegmentHeader, 'keyId' | 'createdAt'> | undefined {
  const [, number, first, salt] = /^(\d{10,})-(\d{15})-([0-9a-f]{32})\.segment$/.exec(name) ?? []
  if (number === undefined || first === undefined || salt === undefined) return undefined
  return { number: Number(number), first: Number(first), salt: Buffer.from(salt, 'hex') }
}

/** One segment as the buffer knows it while it runs. */
export class Segment {
  readonly header: SegmentHeader
  readonly path: string
  readonly marker: Buffer
  /** Decrypts and, where it is the one that is written, encrypts. */
  readonly key: SegmentKey | undefined
  /** Its end as far as it is synced; nothing is read beyond it. */
  bytes: number
  /** The sequence number behind its last record, once no other is written into it. */
  end: number | undefined
  /** Its file is gone. */
  isRemoved = false

  constructor(folder: string, header: SegmentHeader, key: DiskKey | undefined, bytes: number) {
    this.header = header
    this.path = join(folder, segmentName(header))
    this.marker = header.salt.subarray(0, markerSize)
    this.key = key?.ofSegment(header.salt)
    this.bytes = bytes
  }
}
