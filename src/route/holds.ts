import { MessageRefused, sentence } from '../core/errors.ts'
import { aborted } from './backoff.ts'

export interface HoldsReport {
  /** A message was refused and its group waits behind it from now on. */
  held(group: string, error: Error): void
  /** What is held took too much room: the group goes to the dead letter from now on, in its order. */
  parked(group: string): void
}

/**
 * The order groups of one target in which a message was refused, where the route is told to hold them (`on_refused:
 * hold_group`): none of the group may overtake it.
 *
 * States of a group: *flowing* → *held* when a message of it is refused: that message stays unsettled and those behind it
 * wait, until the route stops and gives them back → *parked* when all that is held takes more than `room`: the refused
 * message and all that are behind it, those that are still to come too, are dead letters in their order, so that the
 * other groups go on. Nothing leads out of parked but a new start.
 */
export class Holds {
  readonly #room: number
  readonly #messagesOf: (group: string) => number
  readonly #report: HoldsReport
  /** Oldest first. */
  readonly #held = new Map<string, { readonly error: Error; readonly park: AbortController }>()
  readonly #parked = new Map<string, Error>()

  /** `messagesOf` is how many messages of a group are here. */
  constructor(room: number, messagesOf: (group: string) => number, report: HoldsReport) {
    this.#room = room
    this.#messagesOf = messagesOf
    this.#report = report
  }

  /** Groups that are held or parked. */
  get size(): number {
    return this.#held.size + this.#parked.size
  }

  /** Why a message of this group is a dead letter without having been tried; undefined where it may be tried. */
  refusal(group: string): MessageRefused | undefined {
    const first = this.#parked.get(group)
    return (
      first && new MessageRefused(`its group is held since one before it was refused: ${sentence(first)}`)
    )
  }

  /** Another message of the group has come; true when it waits behind a refused one. */
  joined(group: string): boolean {
    if (!this.#held.has(group)) return false
    this.#makeRoom()
    return true
  }

  /** Holds the group behind a message that was refused, until a signal is aborted or it is parked: true then. */
  async hold(group: string, error: Error, ...signals: readonly AbortSignal[]): Promise<boolean> {
    const park = new AbortController()
    this.#held.set(group, { error, park })
    this.#report.held(group, error)
    this.#makeRoom()
    await aborted(park.signal, ...signals)
    this.#held.delete(group)
    return park.signal.aborted
  }

  #makeRoom(): void {
    let held = 0
    for (const group of this.#held.keys()) held += this.#messagesOf(group)
    for (const [group, { error, park }] of this.#held) {
      if (held <= this.#room) return
      held -= this.#messagesOf(group)
      this.#held.delete(group)
      this.#parked.set(group, error)
      this.#report.parked(group)
      park.abort()
    }
  }
}
