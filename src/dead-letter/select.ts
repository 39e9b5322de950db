import { parseDuration, parseInstant } from '../core/units.ts'
import { matching } from '../core/wildcards.ts'
import type { DeadLetter } from '../route/dead-letter/record.ts'

/** Which letters are meant, as it is written on the command line; what is absent leaves nothing out. */
export interface Selection {
  /** Names, in which `*` stands for anything. */
  readonly route?: string
  readonly target?: string
  readonly place?: string
  /** A part of the reason or, with `*` in it, all of it. */
  readonly reason?: string
  /** The beginning of an id, as `list` prints it. */
  readonly id?: string
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly until?: number
  readonly limit?: number
}

/** Milliseconds since 1970 of a time in ISO 8601, or of so long ago (`2h`); undefined for all else. */
export function parseTime(written: string, now: number): number | undefined {
  const ago = parseDuration(written)
  return ago === undefined ? parseInstant(written) : now - ago
}

const all = (): boolean => true

/** A name, or a pattern for it. */
export const named = (pattern: string | undefined): ((name: string) => boolean) =>
  pattern === undefined ? all : matching([pattern])

/** A part of a text, or a pattern for all of it. */
export const containing = (written: string | undefined): ((text: string) => boolean) =>
  written === undefined ? all : matching([written.includes('*') ? written : `*${written}*`])

/** Is this letter meant? The place and the limit are not its business. */
export function selecting(selection: Selection): (letter: DeadLetter, id: string) => boolean {
  const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, id: beginning = '' } = selection
  const [route, target, reason] = [
    named(selection.route),
    named(selection.target),
    containing(selection.reason),
  ]
  return (letter, id) =>
    route(letter.route) &&
    target(letter.target) &&
    reason(letter.reason) &&
    letter.diedAt >= since &&
    letter.diedAt <= until &&
    id.startsWith(beginning)
}
