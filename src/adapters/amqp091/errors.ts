import { MessageRefused, SinkUnavailable, sentence } from '../../core/errors.ts'
import type { BrokerUrl } from '../shared/options.ts'
import { hasFixedExchange, isFixed, type Place, placeText } from './dialect.ts'
import type { ConnectionOptions, SinkOptions } from './options.ts'

export const vhost = (url: BrokerUrl): string => url.path || '/'

/** The broker's refusals of the opening handshake in plain words; amqplib has them only as text. */
export function refusal(cause: unknown, url: BrokerUrl, { username }: ConnectionOptions): Error {
  const said = sentence(cause)
  const user = username === undefined ? "our certificate's user" : `user ${username}`
  if (/\b403\b|ACCESS[_-]REFUSED/.test(said)) {
    return new Error(`the broker refused the credentials of ${user}`, { cause })
  }
  if (/Expected ConnectionOpenOk; got <ConnectionClose/.test(said)) {
    const why = 'it does not exist, or is not open to this user, or has all the connections it may have'
    return new Error(`the broker refused virtual host ${vhost(url)} to ${user}: ${why}`, { cause })
  }
  if (/SASL mechanism EXTERNAL/.test(said)) {
    return new Error('the broker takes no login by certificate: enable EXTERNAL there or give a username', {
      cause,
    })
  }
  return cause instanceof Error ? cause : new Error(said)
}

/** Why the broker closed the channel of a queue, by the reply code (AMQP 0-9-1, 1.2), in plain words. */
export function channelError(cause: Error, queue: string, url: BrokerUrl): Error {
  const where = `queue ${queue} on ${url.text}`
  const code = 'code' in cause ? cause.code : undefined
  const said = cause.message
  const sentences: Readonly<Record<number, string>> = {
    403: /exclusive/.test(said)
      ? `${where} has another consumer, and one of us is exclusive`
      : `the user may not read ${where}`,
    404: `${where} does not exist (virtual host ${vhost(url)})`,
    405: `${where} belongs to another connection alone (it was declared exclusive)`,
    406: /acknowledgement/.test(said)
      ? `the broker took back ${where}: a message was unsettled for longer than its consumer_timeout`
      : `the broker refused something about ${where}`,
  }
  return new Error(sentences[Number(code)] ?? `the channel of ${where} is gone`, { cause })
}

/** What a message that no queue took means: its own fault where a template chose the place, else the target's. */
export function unroutable(options: SinkOptions, place: Place, url: BrokerUrl, why: string): Error {
  const where = placeText(place)
  const said =
    place.exchange === ''
      ? `${where} on ${url.text} does not exist (virtual host ${vhost(url)}; the broker returned the message: ${why})`
      : `no queue is bound for ${where} on ${url.text} (virtual host ${vhost(url)}; the broker returned the message: ${why})`
  return isFixed(options) ? new SinkUnavailable(said) : new MessageRefused(said)
}

/** Why the broker refused a message by closing the channel, or a look at its place, by the reply code, in plain words. */
export function placeError(cause: Error, options: SinkOptions, place: Place, url: BrokerUrl): Error {
  const where = `${placeText(place)} on ${url.text}`
  const code = 'code' in cause ? Number(cause.code) : 0
  const isTopic = /access to topic/.test(cause.message)
  const sentences: Readonly<Record<number, string>> = {
    403: `the user may not send to ${where}`,
    404: `${where} does not exist (virtual host ${vhost(url)})`,
    406: `the broker refused the message for ${where}`,
  }
  const said = sentences[code] ?? `the broker closed the channel over a message for ${where}`
  const isOfPlace = code === 403 || code === 404
  const isTargets = isFixed(options) || (place.exchange !== '' && hasFixedExchange(options) && !isTopic)
  return isOfPlace && isTargets ? new SinkUnavailable(said, { cause }) : new MessageRefused(said, { cause })
}
