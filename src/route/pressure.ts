import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import type { Report } from '../core/events.ts'

/** Bytes: what the process may take, its heap apart, and what it takes. */
export interface Memory {
  readonly heapUsed: number
  readonly heapLimit: number
  readonly rss: number
  readonly rssLimit: number
}

/** What is buffered may take so much of the memory there is: beside the message itself stand its encoding and much garbage. */
const share = 0.3
/** From the one part of memory on buffers shrink, at the other they hold one message each. */
const [tight, full] = [0.7, 0.9]
/** Between looks (ms), and looks of which the best counts: what is garbage is in use too until it is collected. */
const interval = 100
const looks = 10
/** When every look has been so late (ms) for so long, heartbeats are missed and brokers hang up. */
const lateness = 100
const lateFor = 5_000

/**
 * Makes buffers smaller before memory is short, all of the process in proportion. There is one for a process.
 *
 * Foreseen: if all buffers filled with the largest messages that they see, would there be room? Measured: is there? Shrinking
 * takes credit from sources, and what waits then waits at its broker. What was granted before cannot be taken back.
 */
export class Pressure {
  readonly #report: Report
  readonly #read: () => Memory
  readonly #appetites: (() => number)[] = []
  #last: number[] = []
  #scale = 1
  #lookedAt = Number.POSITIVE_INFINITY
  /** The last look that was not late. */
  #onTimeAt = Number.POSITIVE_INFINITY
  #timer: NodeJS.Timeout | undefined

  constructor(report: Report, read: () => Memory = readMemory) {
    this.#report = report
    this.#read = read
  }

  /** The part of its bounds that each buffer has now. */
  get scale(): number {
    return this.#scale
  }

  /** `appetite` is the bytes that one buffer could come to hold, were it not made smaller. */
  join(appetite: () => number): void {
    this.#appetites.push(appetite)
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), interval).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** As the timer does. */
  look(now = performance.now()): void {
    this.#lookAtClock(now)
    const { heapUsed, heapLimit, rss, rssLimit } = this.#read()
    this.#last = [...this.#last, Math.max(heapUsed / heapLimit, rss / rssLimit)].slice(-looks)
    const used = Math.min(...this.#last)
    const wanted = this.#appetites.reduce((sum, appetite) => sum + appetite(), 0)
    const foreseen = (share * Math.min(heapLimit, rssLimit)) / Math.max(1, wanted)
    const measured = (full - used) / (full - tight)
    const scale = Math.min(1, foreseen) * Math.max(0, Math.min(1, measured))
    if (scale < 1 !== this.#scale < 1) this.#report({ type: 'pressure', route: '', scale, used })
    this.#scale = scale
  }

  #lookAtClock(now: number): void {
    const late = now - this.#lookedAt - interval
    this.#lookedAt = now
    if (!(late > lateness)) this.#onTimeAt = now
    else if (now - this.#onTimeAt > lateFor) this.#report({ type: 'late', route: '', seconds: late / 1000 })
  }
}

/** The limit of a container where there is one. */
function readMemory(): Memory {
  const { used_heap_size: heapUsed, heap_size_limit: heapLimit } = getHeapStatistics()
  const constrained = process.constrainedMemory()
  const total = totalmem()
  const rssLimit = constrained > 0 && constrained < total ? constrained : total
  return { heapUsed, heapLimit, rss: process.memoryUsage.rss(), rssLimit }
}
