import { createHmac, timingSafeEqual } from 'node:crypto'
import { MessageRefused } from '../../core/errors.ts'
import type { Value } from '../../core/value.ts'
import { fromTypedJson, toTypedJson } from '../dead-letter/typed-json.ts'
import { Expired } from '../expiry.ts'

/** What a reply needs to find its way back. */
export interface ReplyAddress {
  /** The connection that the request came from. */
  readonly connection: string
  /** In the words of that connection's broker, as the requester wrote it. */
  readonly address: string
  readonly correlationId?: Value
  /** Milliseconds since 1970, whole seconds. */
  readonly expiresAt: number
}

export interface SigningKey {
  readonly id: string
  readonly secret: string
}

/**
 * The token that a service echoes: `KEY.DATA.SIGNATURE`, of letters, digits, `-`, `_` and two dots. The signature is
 * HMAC-SHA-256 over all before it, cut to 128 bits (RFC 2104, section 5): the whole has to fit the 255 bytes of a
 * correlation id of AMQP 0-9-1.
 */
export function signToken({ id, secret }: SigningKey, to: ReplyAddress): string {
  const { connection, address, correlationId, expiresAt } = to
  const correlation = correlationId === undefined ? [] : [toTypedJson(correlationId)]
  const data = [connection, address, Math.ceil(expiresAt / 1000), ...correlation]
  const signed = `${id}.${Buffer.from(JSON.stringify(data)).toString('base64url')}`
  return `${signed}.${signature(secret, signed).toString('base64url')}`
}

/** Inverse of `signToken`. Throws MessageRefused for a token that none of the keys has signed, Expired for an expired one. */
export function readToken(keys: readonly SigningKey[], token: string, now = Date.now()): ReplyAddress {
  const [id, data, mac, ...more] = token.split('.')
  if (id === undefined || data === undefined || mac === undefined || more.length > 0) {
    throw new MessageRefused('the reply has a token that is none of ours')
  }
  const key = keys.find(k => k.id === id)
  if (!key)
    throw new MessageRefused(`the reply's token is signed with the key "${id}", which is not configured`)
  const expected = signature(key.secret, `${id}.${data}`)
  const found = Buffer.from(mac, 'base64url')
  if (found.length !== expected.length || !timingSafeEqual(found, expected)) {
    throw new MessageRefused("the reply's token is forged or was altered: its signature is wrong")
  }
  const [connection, address, seconds, correlation] = JSON.parse(Buffer.from(data, 'base64url').toString())
  const expiresAt = seconds * 1000
  if (expiresAt <= now) {
    throw new Expired(`the reply came ${Math.ceil((now - expiresAt) / 1000)} s after its request had expired`)
  }
  return {
    connection,
    address,
    expiresAt,
    ...(correlation !== undefined && { correlationId: fromTypedJson(correlation) }),
  }
}

const signature = (secret: string, signed: string): Buffer =>
  createHmac('sha256', secret).update(signed).digest().subarray(0, 16)
