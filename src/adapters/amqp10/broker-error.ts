import { toError } from '../../core/errors.ts'
import type { ConnectionOptions } from './options.ts'

interface Condition {
  readonly condition?: string
  readonly description?: string
}

/** An error that the broker sent with a close, end or detach: what it did, its condition and its own words. */
export function brokerError(sent: unknown, did: string): Error {
  const { condition, description } = (sent ?? {}) as Condition
  const words = [condition, description].filter(Boolean).join(': ')
  const error = new Error(words === '' ? did : `${did}: ${words}`)
  return condition === undefined ? error : Object.assign(error, { condition })
}

/** Why a connection did not open, for people. */
export function openingError(thrown: unknown, options: ConnectionOptions): Error {
  const cause = toError(thrown)
  const { condition } = cause as Condition
  if (condition === 'amqp:unauthorized-access') {
    const who = options.username === undefined ? 'of an anonymous user' : `of user ${options.username}`
    return new Error(`the broker refused the credentials ${who}`, { cause })
  }
  return cause
}
