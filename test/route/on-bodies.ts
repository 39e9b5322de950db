import assert from 'node:assert/strict'
import { readFormat, writtenFormat } from '../../src/config/body-schema.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Body, Message } from '../../src/core/message.ts'
import type { Entry, Value } from '../../src/core/value.ts'
import { jsonOf } from '../../src/route/mapping/codecs/json.ts'
import { decode } from '../../src/route/mapping/rules/decode.ts'
import { encode } from '../../src/route/mapping/rules/encode.ts'

/** What the tests of the codecs share: rules as they are written in YAML, on a body. */

/** What stands under `decode` or `encode`. */
type Written = { readonly format: string } & Readonly<Record<string, unknown>>

const messageOf = (body: Body): Message => ({ address: 'in', body, properties: {}, headers: {} })

/** The body that `decode` makes of text or bytes. */
export function decoded(rule: Written, from: string | Uint8Array | Body): Body {
  const body = decode(readFormat.parse(rule))(messageOf(bodyFrom(from))) as Message
  return body.body
}

/** The body that `encode` makes. */
export function encoded(rule: Written, body: Body): Body {
  const message = encode(writtenFormat.parse(rule))(messageOf(body)) as Message
  return message.body
}

export function bodyFrom(from: string | Uint8Array | Body): Body {
  if (typeof from === 'string') return { kind: 'text', text: from }
  return from instanceof Uint8Array ? { kind: 'bytes', bytes: from } : from
}

/** The value of a body as JSON, which is easier to read in an assertion. */
export function jsonFrom(body: Body): string {
  if (body.kind === 'map') return jsonOf({ type: 'map', value: body.entries })
  if (body.kind === 'list') return jsonOf({ type: 'list', value: body.items })
  return body.kind === 'text' ? jsonOf({ type: 'string', value: body.text }) : body.kind
}

/** A refusal with this reason, soon: nothing crashes and nothing takes long. */
export function refuses(act: () => unknown, reason: RegExp): void {
  const from = performance.now()
  assert.throws(act, (error: unknown) => {
    assert.ok(error instanceof MessageRefused, String(error))
    assert.match(error.message, reason)
    assert.ok(error.message.length < 400, error.message)
    return true
  })
  assert.ok(performance.now() - from < 5_000, `took ${performance.now() - from} ms`)
}

export const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** The pairs of a map. */
export const entriesOf = (map: Readonly<Record<string, Value>>): readonly Entry[] =>
  Object.entries(map).map(([k, v]) => [{ type: 'string', value: k }, v] as const)

/** A map body. */
export const mapOf = (map: Readonly<Record<string, Value>>): Body => ({
  kind: 'map',
  entries: entriesOf(map),
})
