import { MessageRefused, sentence } from '../core/errors.ts'
import { aborted } from './backoff.ts'
import type { HoldRoom } from './hold-room.ts'
import type { Load } from './lanes.ts'

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
 * wait, until the route stops and gives them back → *parked* when all that is held takes more than its room (hold-room.ts): the refused
 * message and all that are behind it, those that are still to come too, are dead letters in their order, so that the
 * other groups go on. Nothing leads out of parked but a new start.
 */
export class Holds {
  readonly #room: HoldRoom
  readonly #loadOf: (group: string) => Load
  readonly #report: HoldsReport
  readonly #held = new Set<string>()
  readonly #parked = new Map<string, Error>()

  /** `loadOf` is what is here of a group. */
  constructor(room: HoldRoom, loadOf: (group: string) => Load, report: HoldsReport) {
    this.#room = room
    this.#loadOf = loadOf
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
    if (this.#parked.has(group)) return true
    if (!this.#held.has(group)) return false
    this.#room.make()
    return true
  }

  /** Holds the group behind a message that was refused, until a signal is aborted or it is parked: true then. */
  async hold(group: string, error: Error, ...signals: readonly AbortSignal[]): Promise<boolean> {
    const parking = new AbortController()
    const held = {
      load: () => this.#loadOf(group),
      park: () => {
        this.#held.delete(group)
        this.#parked.set(group, error)
        this.#report.parked(group)
        parking.abort()
      },
    }
    this.#held.add(group)
    this.#report.held(group, error)
    this.#room.add(held)
    await aborted(parking.signal, ...signals)
    this.#held.delete(group)
    this.#room.delete(held)
    return parking.signal.aborted
  }
}
