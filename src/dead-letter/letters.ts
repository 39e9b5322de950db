import { createHash } from 'node:crypto'
import type { ReadBack, StoredMessage } from '../core/adapter.ts'
import { sentence } from '../core/errors.ts'
import { onAbort } from '../core/on-abort.ts'
import { type DeadLetter, readRecord } from '../route/dead-letter/record.ts'
import type { Place } from './places.ts'
import { type Selection, selecting } from './select.ts'

/** A dead letter where it lies. */
export interface Found {
  /** Of its record, so that it is the same each time and wherever the letter lies. */
  readonly id: string
  readonly letter: DeadLetter
  /** As it was stored. */
  readonly record: string
  readonly stored: StoredMessage
}

/** What is said beside the result. */
export interface Say {
  /** What people should know. */
  note(text: string): void
  /** Something could not be done: the command fails in the end. */
  problem(text: string): void
}

export interface Look {
  readonly purpose: 'look' | 'take'
  readonly selection: Selection
  readonly say: Say
  readonly signal: AbortSignal
}

/**
 * Calls `use` with the letters of one place that are meant. What is no record is said and left alone, and so is a place that
 * cannot be read. Gives back what was not removed, whatever happens; never rejects but for what `use` throws.
 */
export async function withLetters(
  place: Place,
  look: Look,
  use: (letters: AsyncIterable<Found>) => Promise<void>,
): Promise<void> {
  const { purpose, say, signal } = look
  if ('problem' in place) return say.problem(`${place.name}: ${place.problem}`)
  const { kind, at } = place.end
  let read: ReadBack | undefined
  try {
    read = await kind.readBack!(at, purpose, {
      signal,
      trial: true,
      report: event => event.type === 'notice' && say.note(`${place.name}: ${event.text}`),
    })
  } catch (error) {
    if (!signal.aborted) say.problem(`${place.name} cannot be read: ${sentence(error)}`)
    return
  }
  try {
    await use(lettersIn(read.messages, place.name, look))
  } finally {
    await read.close()
  }
}

/** Calls `use` with each letter that is meant, by place, up to the limit. Gives how many there were. */
export async function eachLetter(
  places: readonly Place[],
  look: Look,
  use: (found: Found, place: Place) => void | Promise<void>,
): Promise<number> {
  const { limit = Number.POSITIVE_INFINITY } = look.selection
  let count = 0
  for (const place of places) {
    if (count >= limit || look.signal.aborted) break
    await withLetters(place, look, async letters => {
      for await (const found of letters) {
        await use(found, place)
        if (++count >= limit) return
      }
    })
  }
  return count
}

/** Ends early, and says so, when the place is lost. */
async function* lettersIn(
  messages: AsyncIterable<StoredMessage>,
  place: string,
  { selection, say, signal }: Look,
): AsyncGenerator<Found> {
  const isMeant = selecting(selection)
  const reading = messages[Symbol.asyncIterator]()
  for (let seen = 0; ; seen++) {
    let stored: StoredMessage
    try {
      const next = await unlessAborted(reading.next(), signal)
      if (!next || next.done) return
      stored = next.value
    } catch (error) {
      return say.problem(`${place} was lost after ${seen} messages: ${sentence(error)}`)
    }
    const found = read(stored)
    if (typeof found === 'string')
      say.problem(`${place}: ${stored.name || 'a message'} is left alone: ${found}`)
    else if (isMeant(found.letter, found.id)) yield found
  }
}

/** The letter, or why it is none. */
function read(stored: StoredMessage): Found | string {
  const { message, fault } = stored
  if (fault) return `it cannot be read: ${sentence(fault)}`
  try {
    const record = textOf(message)
    const id = createHash('sha256').update(record).digest('hex').slice(0, 12)
    return { id, letter: readRecord(record), record, stored }
  } catch (error) {
    return `it is no whole record of a dead letter: ${sentence(error)}`
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf({ body }: StoredMessage['message']): string {
  if (body.kind === 'text') return body.text
  if (body.kind === 'bytes') return utf8.decode(body.bytes)
  throw new Error(`its body is ${body.kind}`)
}

/** Undefined when the signal was aborted first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  work.catch(() => {})
  if (signal.aborted) return undefined
  const aborted = Promise.withResolvers<undefined>()
  const forget = onAbort(signal, () => aborted.resolve(undefined))
  return Promise.race([work, aborted.promise]).finally(forget)
}
