import { randomUUID } from 'node:crypto'
import { toError } from '../../core/errors.ts'
import { aborted, pause, type Retry } from '../backoff.ts'
import type { BufferLimits, Received } from '../buffer.ts'
import { Intake, type IntakeParts, type IntakeReport } from '../intake.ts'
import { encodeContent, kept } from './content.ts'
import type { Writer } from './writer.ts'

export interface FeederReport extends IntakeReport {
  /** Settled with the source, since it is on the disk. */
  settled(): void
  /** Not settled: its link died first, or the error came. */
  unsettled(error?: Error): void
}

/**
 * Takes what a source hands over, in its order, and settles it once it is on the disk. While the disk is full nothing is settled, and credit ends by
 * itself.
 */
export class Feeder {
  readonly #intake: Intake
  readonly #writer: Writer
  readonly #report: FeederReport
  #running: Promise<void> | undefined
  /** Deliveries that were taken and are not settled. */
  #unsettled = 0
  #wake: () => void = () => {}

  constructor(source: IntakeParts, limits: BufferLimits, retry: Retry, writer: Writer, report: FeederReport) {
    this.#writer = writer
    this.#report = report
    this.#intake = new Intake(source, limits, retry, report, () => signal => this.#room(signal))
  }

  start(): void {
    this.#intake.start()
    this.#running ??= this.#run()
  }

  async #room(signal: AbortSignal): Promise<void> {
    while (this.#writer.isFull && !signal.aborted) await pause(500, signal)
  }

  /** Takes no more, settles what is here until the deadline and closes the source, which gives back the rest. */
  async stop(deadline: AbortSignal): Promise<void> {
    await this.#intake.drain(deadline)
    await Promise.race([this.#settled(), aborted(deadline)])
    await this.#intake.stop()
  }

  status() {
    return this.#intake.status()
  }

  async #settled(): Promise<void> {
    await this.#running
    while (this.#unsettled > 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  async #run(): Promise<void> {
    for (;;) {
      const taken = this.#intake.take()
      const received = taken instanceof Promise ? await taken : taken
      if (!received) return
      this.#unsettled++
      void this.#keep(received)
    }
  }

  /** Never rejects. Records are in the order of the calls. */
  async #keep(received: Received): Promise<void> {
    const { delivery } = received
    let error: Error | undefined
    let isSettled = false
    try {
      if (!delivery.lost.aborted) {
        const id = delivery.id ?? randomUUID()
        await this.#writer.append(encodeContent(kept(delivery, id, Date.now())))
        await delivery.settle('accepted')
        isSettled = true
      }
    } catch (thrown) {
      error = toError(thrown)
    }
    if (isSettled) this.#report.settled()
    else this.#report.unsettled(error)
    this.#intake.finished(received, isSettled)
    this.#unsettled--
    this.#wake()
  }
}
