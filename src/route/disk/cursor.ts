import type { AckLog } from './ack-log.ts'
import { decodeContent, type Kept } from './content.ts'
import { codeOf, type FileSystem } from './file-system.ts'
import { type Damage, type Found, Scan } from './scan.ts'
import type { Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import { setAside } from './set-aside.ts'

export interface ReadBack {
  readonly seq: number
  readonly kept: Kept
}

export interface CursorReport {
  /** So many records were damaged. What is left of them is in the files, by their names; '' where nothing is: the segment ended early. */
  damaged(copies: string, records: number, segment: Segment): void
  failed(error: Error): void
}

interface Place {
  readonly from: number
  readonly to: number
}

/**
 * Reads the records that are not done with, in their order. A record that is damaged is set aside and counts as done with from then
 * on; one that stands in two segments, since the first could not be synced, is read once.
 */
export class Cursor {
  readonly #files: FileSystem
  readonly #segments: Segments
  readonly #acks: AckLog
  readonly #report: CursorReport
  #last = 0
  #at: { readonly segment: Segment; readonly scan: Scan } | undefined
  /** Where no record was found since the last one. */
  #holes: Place[] = []

  constructor(files: FileSystem, segments: Segments, acks: AckLog, report: CursorReport) {
    this.#files = files
    this.#segments = segments
    this.#acks = acks
    this.#report = report
  }

  /** Undefined where there is no more for now. One call at a time. */
  async next(): Promise<ReadBack | undefined> {
    for (;;) {
      this.#at ??= await this.#open()
      if (!this.#at) return undefined
      const { segment, scan } = this.#at
      const limit = segment.bytes
      const piece = segment.isRemoved ? undefined : await scan.next(limit)
      if (piece) {
        const read = await this.#take(piece, segment)
        if (read) return read
      } else if (segment.isRemoved || segment.bytes === limit) {
        const isLast = segment === this.#segments.all.at(-1)
        if (isLast && segment.end === undefined) return undefined
        await this.#leave(segment, scan)
      }
    }
  }

  async close(): Promise<void> {
    await this.#at?.scan.close()
    this.#at = undefined
  }

  async #take(piece: Found | Damage, segment: Segment): Promise<ReadBack | undefined> {
    if (piece.type === 'damage') {
      this.#holes.push(piece)
      return undefined
    }
    const { seq } = piece
    if (seq <= this.#last || (segment.end !== undefined && seq >= segment.end)) return undefined
    const kept = this.#acks.acked.has(seq) ? undefined : read(piece, segment)
    if (kept === 'unreadable') {
      this.#holes.push(piece)
      return undefined
    }
    await this.#reached(seq, segment)
    return kept && { seq, kept }
  }

  /** Records between the last one and this one that are not done with are damaged. */
  async #reached(seq: number, segment: Segment): Promise<void> {
    const first = this.#acks.acked.firstMissing(this.#last + 1)
    const holes = this.#holes
    this.#last = seq
    this.#holes = []
    if (first >= seq) return
    try {
      const copies: string[] = []
      for (const hole of holes) copies.push(await setAside(this.#files, segment, hole))
      let records = 0
      for (let from = first; from < seq; from++) if (!this.#acks.acked.has(from)) records++
      await this.#segments.acknowledge(first, seq - 1)
      this.#report.damaged(copies.join(', '), records, segment)
    } catch (error) {
      // They stay where they are, and with them their segment, until the next start; the rest is carried.
      this.#report.failed(new Error(`setting aside damaged records of ${segment.path}`, { cause: error }))
    }
  }

  async #open(): Promise<{ readonly segment: Segment; readonly scan: Scan } | undefined> {
    const segment = this.#segments.all.find(s => s.end === undefined || s.end > this.#last + 1)
    if (!segment) return undefined
    // What lay between this segment and the one before was done with and removed.
    this.#last = Math.max(this.#last, segment.header.first - 1)
    try {
      return { segment, scan: new Scan(await this.#files.open(segment.path), segment.marker) }
    } catch (error) {
      if (codeOf(error) === 'ENOENT' && segment.isRemoved) return this.#open()
      throw error
    }
  }

  async #leave(segment: Segment, scan: Scan): Promise<void> {
    const { end } = segment
    if (!segment.isRemoved && scan.position < segment.bytes)
      this.#holes.push({ from: scan.position, to: segment.bytes })
    if (!segment.isRemoved && end !== undefined && this.#last < end - 1) {
      await this.#reached(end, segment)
      this.#last = end - 1
    } else if (end !== undefined) this.#last = Math.max(this.#last, end - 1)
    else await this.#unknownEnd(segment)
    this.#holes = []
    this.#at = undefined
    await scan.close()
  }

  /** The segment behind it was removed, since all of its records were done with: where that one began is not known. */
  async #unknownEnd(segment: Segment): Promise<void> {
    const after = this.#segments.all.find(s => s.header.number > segment.header.number)
    if (!after) return
    const end = after.header.first
    // Without any damage here, all that is missing was in the one that was removed.
    if (this.#holes.length > 0) await this.#reached(end, segment)
    else if (this.#last < end - 1) await this.#segments.acknowledge(this.#last + 1, end - 1)
    this.#last = end - 1
    await this.#segments.end(segment, end)
  }
}

function read({ seq, content, isEncrypted }: Found, { key }: Segment): Kept | 'unreadable' {
  try {
    return decodeContent(isEncrypted ? key!.decrypt(seq, content) : content)
  } catch {
    return 'unreadable'
  }
}
