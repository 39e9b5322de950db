import { join } from 'node:path'
import { sentence } from '../../core/errors.ts'
import type { AckLog } from './ack-log.ts'
import type { DiskKey } from './encryption.ts'
import type { FileSystem } from './file-system.ts'
import { type Damage, Scan } from './scan.ts'
import { headerSize, parseSegmentName, readHeader, Segment, type SegmentHeader } from './segment.ts'
import { setAside } from './set-aside.ts'

export interface RecoveryParts {
  readonly files: FileSystem
  readonly folder: string
  readonly key: DiskKey | undefined
  readonly acks: AckLog
  /** Bytes at the end of the last segment that no writing that stopped early explains. */
  damaged(file: string, text: string): void
}

export interface Recovered {
  readonly segments: readonly Segment[]
  /** The numbers of the next segment and the next record. */
  readonly number: number
  readonly next: number
}

/**
 * What an earlier run left. No file is written to any more but to cut off its end: what comes now goes into a new segment. Throws where the key is
 * not the one that a segment was written with.
 */
export async function recover(parts: RecoveryParts): Promise<Recovered> {
  const { files, acks } = parts
  const found = await segmentsIn(parts)
  for (const [i, segment] of found.entries()) {
    const after = found[i + 1]
    if (!after) segment.end = await cutOff(segment, parts)
    else if (after.header.number === segment.header.number + 1) segment.end = after.header.first
  }
  const [oldest] = found
  const next = Math.max(acks.highest, ...found.map(s => (s.end ?? s.header.first) - 1)) + 1
  acks.assume(1, (oldest?.header.first ?? next) - 1)
  // What is known to have been behind the last record is not there any more.
  acks.assume(found.at(-1)?.end ?? next, next - 1)
  const segments: Segment[] = []
  for (const segment of found) {
    const { header, end, path } = segment
    if (end !== undefined && acks.acked.covers(header.first, end - 1)) await files.remove(path)
    else segments.push(segment)
  }
  return { segments, next, number: Math.max(0, ...found.map(s => s.header.number)) + 1 }
}

async function segmentsIn({ files, folder, key }: RecoveryParts): Promise<readonly Segment[]> {
  const found: Segment[] = []
  for (const name of (await files.list(folder)).toSorted()) {
    const named = parseSegmentName(name)
    if (!named) continue
    const path = join(folder, name)
    const size = await files.size(path)
    if (size < headerSize) {
      // Nothing was ever synced into it.
      await files.remove(path)
      continue
    }
    const header = { ...((await headerOf(files, path)) ?? { createdAt: 0 }), ...named }
    checkKey(folder, header, key)
    found.push(new Segment(folder, header, key, size))
  }
  return found.toSorted((a, b) => a.header.number - b.header.number)
}

async function headerOf(files: FileSystem, path: string): Promise<SegmentHeader | undefined> {
  const file = await files.open(path)
  try {
    const bytes = Buffer.alloc(headerSize)
    await file.read(bytes, 0)
    return readHeader(bytes)
  } finally {
    await file.close()
  }
}

function checkKey(folder: string, { keyId }: SegmentHeader, key: DiskKey | undefined): void {
  if (!keyId || key?.id.equals(keyId)) return
  const its = `with the key ${keyId.toString('hex')}`
  throw new Error(
    key
      ? `the disk buffer ${folder} was written ${its}, and buffer.disk.key is the key ${key.id.toString('hex')}: start with the old key until ` +
          'the buffer is empty, then change it'
      : `the disk buffer ${folder} was written ${its}, and buffer.disk.key is not set: set it to that key`,
  )
}

/**
 * Cuts off what was being written when the last run ended, and makes the rest last. Where that is more than the beginning of a record, it is set
 * aside first. Returns the number behind the last record.
 */
async function cutOff(segment: Segment, parts: RecoveryParts): Promise<number> {
  const { files, acks, damaged } = parts
  const file = await files.open(segment.path)
  const scan = new Scan(file, segment.marker)
  let end = segment.header.first
  let to = headerSize
  /** Of the damage behind the last record, what was not done with. */
  let tail: Damage | undefined
  try {
    for (let piece = await scan.next(segment.bytes); piece; piece = await scan.next(segment.bytes)) {
      if (piece.type === 'damage') {
        if (piece.seq === undefined || !acks.acked.has(piece.seq)) tail = piece
        continue
      }
      tail = undefined
      end = Math.max(end, piece.seq + 1)
      to = piece.to
    }
    if (tail) {
      const copy = await setAside(files, segment, { from: to, to: tail.to }).catch(cause => {
        throw new Error(`copying the damaged end of ${segment.path} (${sentence(cause)}): make room for it`, {
          cause,
        })
      })
      damaged(
        copy,
        'the last of it: a record that was damaged, or that was being written when the power went',
      )
    }
    if (to < segment.bytes) await file.truncate(to)
    await file.datasync()
  } finally {
    await scan.close()
  }
  segment.bytes = to
  return end
}
