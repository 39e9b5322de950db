import { MessageRefused, SinkUnavailable } from '../../core/errors.ts'

/** Reason codes of MQTT 5 (section 2.4) and return codes of 3.1.1 (3.2.2.3), as people understand them. */
const reasons: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of MQTT: set version on the connection (3.1.1 or 5)',
  2: 'it does not accept the client id',
  3: 'it is unavailable',
  4: 'wrong username or password',
  5: 'not authorized',
  128: 'it gives no reason',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'a reason of its own',
  132: 'it does not speak this version of MQTT: set version on the connection (3.1.1 or 5)',
  133: 'it does not accept the client id',
  134: 'wrong username or password',
  135: 'not authorized',
  136: 'it is unavailable',
  137: 'it is busy',
  138: 'the client is banned',
  139: 'it is shutting down',
  140: 'bad authentication method',
  141: 'it heard nothing from us for too long',
  142: 'another client took the session over',
  143: 'it does not accept the topic filter',
  144: 'it does not accept the topic name',
  145: 'packet identifier in use',
  146: 'packet identifier not found',
  147: 'more messages in flight than allowed',
  148: 'topic alias invalid',
  149: 'packet too large',
  150: 'message rate too high',
  151: 'quota exceeded',
  152: 'an administrator did it',
  153: 'payload format invalid',
  154: 'no retained messages there',
  155: 'QoS not supported',
  156: 'use another server',
  157: 'the server moved',
  158: 'it has no shared subscriptions',
  159: 'connections come too fast',
  160: 'maximum connect time reached',
  161: 'it has no subscription identifiers',
  162: 'it allows no wildcards in subscriptions',
}

/** `not authorized (135)`. */
export const reason = (code: number): string => `${reasons[code] ?? 'a reason nobody knows'} (${code})`

/** Brokers answer a wrong password with either of these. */
const credentials = [4, 5, 134, 135]

/** What a CONNACK that refuses means, naming what was refused. */
export function connectionRefused(code: number, clientId: string, username: string | undefined): string {
  const user = username === undefined ? 'a client without username' : `user ${username}`
  return credentials.includes(code)
    ? `the broker refused the credentials of ${user} (client id ${clientId}): ${reason(code)}`
    : `the broker refused client id ${clientId}: ${reason(code)}`
}

export const TAKEN_OVER = 142

/** Broker busy or going down, session taken over, an administrator, another server: whatever we had sent. */
const reasonsOfItsOwn = [136, 137, 139, 141, TAKEN_OVER, 152, 156, 157, 159, 160]

/** May a DISCONNECT with this reason be about something that we sent? */
export const isOurFault = (code: number): boolean => !reasonsOfItsOwn.includes(code)

/** Where a message was published to. `chosen`: by a template, for this message alone. */
export interface Place {
  readonly topic: string
  readonly chosen: boolean
}

const NOT_AUTHORIZED = 135
const BAD_TOPIC = 144
const QUOTA = 151
const BAD_FORMAT = 153

/**
 * What PUBACK or PUBREC with a reason code from 128 on means. A topic that may not be published to is the message's fault
 * where it was chosen for it, and the target's where all messages have it.
 */
export function publishRefused(code: number, { topic, chosen }: Place, said?: string): Error {
  const why = said ? `${reason(code)}: ${said}` : reason(code)
  const text = `the broker refused a message to ${topic}: ${why}`
  switch (code) {
    case NOT_AUTHORIZED:
    case BAD_TOPIC:
      return chosen ? new MessageRefused(text) : new SinkUnavailable(text)
    case BAD_FORMAT:
      return new MessageRefused(text)
    case QUOTA:
      return new SinkUnavailable(text, { throttled: true })
    default:
      return new Error(text)
  }
}
