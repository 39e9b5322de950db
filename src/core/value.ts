/**
 * A typed value, as it stood on the wire. Nothing in a message is a bare JavaScript number, because a number
 * that has lost its width (int8 or int64, float or int) cannot be given back to a typed protocol.
 *
 * - 64-bit integers are bigints; the smaller ones and the floats are numbers.
 * - `timestamp` is milliseconds since 1970 (AMQP 0-9-1 has seconds: its codec multiplies).
 * - `uuid` is the canonical text form in lower case.
 * - `decimal` is decimal text (AMQP 0-9-1); `decimal32`, `decimal64` and `decimal128` are the raw big-endian
 *   IEEE 754 bytes of AMQP 1.0, which nothing here computes with.
 * - `map` is a list of pairs, because AMQP 1.0 allows keys that are not strings and the order is kept.
 */
export type Value =
  | { readonly type: 'null' }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: SmallInteger; readonly value: number }
  | { readonly type: 'int64' | 'uint64'; readonly value: bigint }
  | { readonly type: 'float32' | 'float64'; readonly value: number }
  | { readonly type: 'string' | 'symbol' | 'char' | 'uuid' | 'decimal'; readonly value: string }
  | { readonly type: 'bytes' | 'decimal32' | 'decimal64' | 'decimal128'; readonly value: Uint8Array }
  | { readonly type: 'timestamp'; readonly value: number }
  | { readonly type: 'list'; readonly value: readonly Value[] }
  | { readonly type: 'map'; readonly value: readonly Entry[] }

type SmallInteger = 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32'

/** One pair of a map. */
export type Entry = readonly [key: Value, value: Value]

/** The name of a value's kind, e.g. `int32`. */
export type ValueType = Value['type']

/** The value of protocols that know nothing but text. */
export const text = (value: string): Value => ({ type: 'string', value })

/** The one null. */
export const nothing: Value = { type: 'null' }
