import type { Problem } from '../config/problem.ts'
import { wholeNumber } from '../core/json/exact-number.ts'
import { valueFromJson } from '../core/json/parse-typed-json.ts'
import { text, type Value } from '../core/value.ts'

export type Path = readonly (string | number)[]

/**
 * A value as people write it: text, a number, true, false, null, a list, or one type with its value, `{ int64: "5" }`. Whole
 * numbers are int32 where they fit and else int64, others float64. What cannot be one is a problem, and text.
 */
export function readValue(written: unknown, at: Path, problems: Problem[]): Value {
  const wrong = (said: string): Value => {
    problems.push({ path: at, text: said })
    return text('')
  }
  switch (typeof written) {
    case 'string':
      return text(written)
    case 'boolean':
      return { type: 'bool', value: written }
    case 'number':
      return (
        readNumber(written) ?? wrong('a number that YAML rounds: write { int64: "…" } or { decimal: "…" }')
      )
  }
  if (written === null || written === undefined) return { type: 'null' }
  if (Array.isArray(written)) {
    return { type: 'list', value: written.map((item, i) => readValue(item, [...at, i], problems)) }
  }
  const [[type, value] = ['', undefined], ...more] = Object.entries(written as object)
  if (more.length > 0)
    return wrong('expected one type with its value, such as { int64: "5" } or { map: { … } }')
  return (
    readTyped(type, value, at, problems) ?? wrong(`${JSON.stringify(value)} is no value of the type ${type}`)
  )
}

function readTyped(type: string, value: unknown, at: Path, problems: Problem[]): Value | undefined {
  const inner = [...at, type]
  if (type === 'map') return isMap(value) ? { type, value: readEntries(value, inner, problems) } : undefined
  if (type === 'list') return Array.isArray(value) ? readValue(value, inner, problems) : undefined
  if (type === 'string') return typeof value === 'string' ? text(value) : undefined
  if (type === 'bool') return typeof value === 'boolean' ? { type, value } : undefined
  if (type === 'null') return value === null ? { type } : undefined
  const time = type === 'timestamp' && typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (!Number.isNaN(time)) return { type: 'timestamp', value: time }
  try {
    return valueFromJson({ [type]: value })
  } catch {
    return undefined
  }
}

/** The entries of a map, in their order. */
export const readEntries = (written: Readonly<Record<string, unknown>>, at: Path, problems: Problem[]) =>
  Object.entries(written).map(
    ([key, value]) => [text(key), readValue(value, [...at, key], problems)] as const,
  )

function readNumber(written: number): Value | undefined {
  if (!Number.isInteger(written)) return { type: 'float64', value: written }
  if (!Number.isSafeInteger(written)) return undefined
  return wholeNumber(written)
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
