import { MessageRefused } from '../../../core/errors.ts'
import { typed } from '../../../core/json/parse-typed-json.ts'
import { parseInstant } from '../../../core/units.ts'
import { text, type Value, type ValueType } from '../../../core/value.ts'
import { toText } from '../expression/plain.ts'
import type { Step } from '../step.ts'

export type CastType = Exclude<
  ValueType,
  'null' | 'list' | 'map' | 'char' | 'decimal32' | 'decimal64' | 'decimal128'
>

export interface CastRule {
  readonly headers: Readonly<Record<string, CastType>>
}

/** Gives headers their types, from text or from another type whose text fits. One that is not there stays so; one that does not fit refuses. */
export function cast(rule: CastRule): Step {
  const types = Object.entries(rule.headers)
  return message => {
    const headers = { ...message.headers }
    for (const [name, type] of types) {
      const value = Object.hasOwn(headers, name) ? headers[name] : undefined
      if (value && value.type !== type) headers[name] = castTo(type, value, name)
    }
    return { ...message, headers }
  }
}

function castTo(type: CastType, value: Value, name: string): Value {
  try {
    return made(type, textOf(value))
  } catch (cause) {
    const said = (cause as Error).message
    throw new MessageRefused(
      `headers.${name} is no ${type} but ${shown(value)}${said === '' || said === `no ${type}` ? '' : `: ${said}`}`,
      { cause },
    )
  }
}

function shown(value: Value): string {
  if (value.type === 'string')
    return JSON.stringify(value.value.length > 80 ? `${value.value.slice(0, 80)}…` : value.value)
  return 'value' in value && typeof value.value !== 'object'
    ? `${toText(value)} (${value.type})`
    : `a ${value.type}`
}

const noText: readonly ValueType[] = ['null', 'list', 'map', 'decimal32', 'decimal64', 'decimal128']

/** Bytes are the text that they encode. */
function textOf(value: Value): string {
  if (noText.includes(value.type)) throw new Error('')
  if (value.type !== 'bytes') return toText(value)
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(value.value)
}

const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i
const latest = 8.64e15

/** Throws an Error for text that does not stand for a value of the type. */
function made(type: CastType, written: string): Value {
  switch (type) {
    case 'string':
      return text(written)
    case 'bool':
      return { type, value: fits(/^(true|false)$/i, written).toLowerCase() === 'true' }
    case 'timestamp': {
      if (/\.\d{3}\d*[1-9]/.test(written)) throw new Error('it has more than milliseconds')
      const time = /^-?\d{1,16}$/.test(written) ? Number(written) : parseInstant(written)
      if (time !== undefined && Math.abs(time) <= latest) return { type, value: time }
      throw new Error('expected milliseconds since 1970, or ISO 8601 with a zone')
    }
    case 'uuid':
      return { type, value: fits(uuid, written).toLowerCase() }
    case 'decimal':
      return { type, value: fits(/^-?\d+(\.\d+)?$/, written) }
    case 'symbol':
      // ASCII (AMQP 1.0, 1.6.21): a byte for each character.
      if (Buffer.byteLength(written) !== written.length) throw new Error('')
      return { type, value: written }
    case 'float32':
    case 'float64':
      return { type, value: floatOf(written, type === 'float32' ? Math.fround : Number) }
    default:
      return typed(type, written)
  }
}

const float = /^(-?\d+(\.\d+)?(e[+-]?\d+)?|NaN|-?Infinity)$/i

/** A fraction becomes the nearest float; a whole number and what is not zero stay so. Throws an Error. */
function floatOf(written: string, round: (value: number) => number): number {
  const value = round(Number(fits(float, written)))
  if (/Infinity|NaN/i.test(written)) return value
  if (!Number.isFinite(value)) throw new Error('it is too large')
  const isLost =
    value === 0 ? /^[^e]*[1-9]/i.test(written) : /^-?\d+$/.test(written) && !isExact(value, written)
  if (isLost) throw new Error(`it would become ${value}`)
  return value
}

/** The digits that JavaScript writes for a float are those of another number past 2^53, and come back. */
const isExact = (value: number, whole: string): boolean =>
  String(value) === whole || BigInt(value) === BigInt(whole)

function fits(pattern: RegExp, written: string): string {
  if (pattern.test(written)) return written
  throw new Error('')
}
