import { LinkLost, MessageRefused, SinkUnavailable } from '../../core/errors.ts'
import type { StompPrepared } from './encode.ts'
import type { Target } from './target.ts'

/** The end of the connection or of the broker, whichever message it is said of. */
const endings =
  /connection_forced|shut(ting)? ?down|broker .*stopp|AMQ339010|connection is (not valid|closed)|session.*closed/i

/** ActiveMQ with sendFailIfNoSpace, Artemis with address-full-policy FAIL. */
const full =
  /ResourceAllocation|(memory|store|temp|usage).*(limit|full)|limit reached|AMQ229102|AMQ229119|address .*is full/i

const placeFaults =
  /does not exist|not_found|unknown destination|invalid destination|illegal destination|not a valid destination|not authori[sz]ed|access_refused|does not have permission|inequivalent arg|resource_locked|AMQ229017|AMQ229203|AMQ229209/i

const messageFaults =
  /invalid header|precondition_failed|maximum (header|number)|too (large|long|big)|exceed|unsupported message|AMQ339031/i

/** Is it of the connection and of none of the messages? */
export const isEnding = (words: string): boolean => endings.test(words)

/**
 * What an ERROR means that was said of this message. The brokers have no codes in common, so their words are looked at;
 * words that nobody knows are an error that the route tries a few times.
 */
export function verdict(words: string, { target, isChosen }: StompPrepared): Error {
  const text = `sending to ${target.spoken}: the broker said: ${words}`
  if (endings.test(words)) return new LinkLost(text)
  if (full.test(words)) return new SinkUnavailable(text)
  if (placeFaults.test(words)) return isChosen ? new MessageRefused(text) : new SinkUnavailable(text)
  return messageFaults.test(words) ? new MessageRefused(text) : new Error(text)
}

/** RabbitMQ says of no message which one it was, but names what is missing or forbidden first, in quotes. */
export function isNamed(words: string, target: Target): boolean {
  const name = placeFaults.test(words) ? / '([^']*)'/.exec(words)?.[1] : undefined
  if (name === undefined || name === '') return false
  return target.unseen === name || segmentsOf(target.destination).includes(name)
}

function segmentsOf(destination: string): readonly string[] {
  return destination.split('/').map(part => {
    try {
      return decodeURIComponent(part)
    } catch {
      return part
    }
  })
}
