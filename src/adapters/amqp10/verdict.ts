import { MessageRefused, SinkUnavailable } from '../../core/errors.ts'
import type { Outcome } from './outcome.ts'

/** What a verdict depends on. */
export interface Aim {
  readonly broker: string
  /** The place as people know it. */
  readonly place: string
  /** Was it chosen by the message? Then it is the message's fault that it is missing. */
  readonly isChosen: boolean
}

/** Conditions that are about the place and not about the message. */
const ofPlace = ['amqp:not-found', 'amqp:unauthorized-access', 'amqp:not-allowed']

/** ActiveMQ and Artemis give whatever went wrong there as `failed`, so that only the words say what it was. */
const ofAnything = ['failed', 'amqp:internal-error']
const isMissing = /does not exist|not authorized|permission|deleted destination/i
const isFull = /resource.?limit|is full|usage manager|usage\(|no space|max.?length|ResourceAllocation/i
/** The broker's word for a limit that less at a time may stay under. */
const isTooMuch = /resource-limit-exceeded/i

const left = 'this temporary queue is gone, for instance because the requester that made it has left'

/**
 * Why the broker did not take a message; undefined when it did. What may be a broker that stops as well as a message
 * that nobody can take is an error without a name, which is tried a few times.
 */
export function verdictOf(outcome: Outcome, aim: Aim): Error | undefined {
  const { broker, place, isChosen } = aim
  const Placed = isChosen ? MessageRefused : SinkUnavailable
  switch (outcome.name) {
    case 'accepted':
      return undefined
    case 'released':
      return new Placed(
        `${broker} had no queue for the message sent to ${place} (released): is the place there?`,
      )
    case 'modified':
      return new SinkUnavailable(`${broker} could not take the message for ${place} now (modified)`)
    case 'unknown':
      return new SinkUnavailable(`${broker} did not say what became of the message for ${place}`)
    case 'rejected':
      return rejection(outcome, aim)
  }
}

function rejection({ condition, description }: Outcome, { broker, place, isChosen }: Aim): Error {
  const words = [condition, description].filter(Boolean).join(': ')
  const what = `${broker} rejected the message for ${place}`
  // RabbitMQ before 4.3 gives no reason for a queue that is full or has no leader.
  if (words === '') return new SinkUnavailable(`${what}: its queue is full, or not available`)
  if (isFull.test(words))
    return new SinkUnavailable(`${what}: ${words}`, { throttled: isTooMuch.test(words) })
  const Placed = isChosen ? MessageRefused : SinkUnavailable
  // ActiveMQ says no more of a temporary queue that is gone than its name.
  if (description === place) return new Placed(`${what}: ${left}`)
  if (ofPlace.includes(condition ?? '') || isMissing.test(words)) return new Placed(`${what}: ${words}`)
  if (ofAnything.includes(condition ?? '')) return new Error(`${what}: ${words}`)
  return new MessageRefused(`${what}: ${words}`)
}
