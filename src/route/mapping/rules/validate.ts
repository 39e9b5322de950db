import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { MessageRefused, sentence } from '../../../core/errors.ts'
import type { Body } from '../../../core/message.ts'
import { isStructured, valueOfBody } from '../../../core/structured-body.ts'
import { textOf } from '../codecs/body.ts'
import { jsonOf } from '../codecs/json.ts'
import { hasKeyTwice } from '../expression/keys.ts'
import { linear } from '../expression/linear-regexp.ts'
import type { Step } from '../step.ts'
import { uniqueItems } from './unique-items.ts'

export interface ValidateRule {
  /** What the schema is called in sentences. */
  readonly schema: string
  /** The schema itself. */
  readonly document: unknown
}

/**
 * Refuses messages whose body does not fit a JSON Schema of draft 7, 2019-09 or 2020-12, which one without `$schema` is taken
 * for. The body is seen as the JSON that it is or would be written as; integers past 2^53 are compared as the nearest number
 * that JavaScript has. The message stays as it is. Throws for what is no schema.
 */
export function validate({ schema, document }: ValidateRule): Step {
  const check = checkOf(document)
  return message => {
    const failures = check(jsonIn(message.body))
    if (failures.length === 0) return message
    throw new MessageRefused(`the body does not fit ${schema}: ${failures.join('; ')}`)
  }
}

/** The first failures of JSON text. */
type Check = (json: string) => readonly string[]

const maxFailures = 3
/** All failures of a larger body would take as much memory again; it has the first told only. */
const maxForAll = 2 ** 20

/** Many routes may name one file, and a mapping is compiled to be checked before it is compiled to run. */
const checks = new WeakMap<object, Check>()

function checkOf(document: unknown): Check {
  if (typeof document !== 'object' || document === null) return compiled(document)
  const known = checks.get(document) ?? compiled(document)
  checks.set(document, known)
  return known
}

function compiled(document: unknown): Check {
  const first = compile(document, false)
  let all: ValidateFunction | undefined
  return json => {
    const seen = parsed(json)
    const failures = failuresOf(first, seen)
    if (failures.length === 0 || json.length > maxForAll) return failures.map(shown)
    all ??= compile(document, true)
    return failuresOf(all, seen).slice(0, maxFailures).map(shown)
  }
}

function failuresOf(check: ValidateFunction, seen: unknown): readonly ErrorObject[] {
  return notTooDeep(() => (check(seen) ? [] : (check.errors ?? [])))
}

/** A schema that refers to itself follows the body as deep as it goes, as whatever calls itself does. */
function notTooDeep<T>(look: () => T): T {
  try {
    return look()
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new MessageRefused('the body is nested too deep to be checked', { cause })
  }
}

function compile(document: unknown, allErrors: boolean): ValidateFunction {
  // Unknown keywords say nothing (JSON Schema 2020-12, core 6.5); `strict` would refuse them.
  // Own properties: all objects of JavaScript have a `constructor` and a `toString`.
  const options: Options = { allErrors, strict: false, logger: false, ownProperties: true, code: { regExp } }
  if (Object(document).$async)
    throw new Error("$async is a keyword of ajv's own, and such a schema cannot be checked here")
  const ajv = new (dialect(document))(options)
  formats.default(ajv)
  ajv.addFormat('url', isUrl)
  ajv.removeKeyword(uniqueItems.keyword as string).addKeyword(uniqueItems)
  return ajv.compile(document as object | boolean)
}

/** That of ajv-formats 3.0 takes the square of the text's length. */
const isUrl = (text: string): boolean => /^(https?|ftp):\/\/\S+$/i.test(text) && URL.canParse(text)

function dialect(document: unknown): typeof Ajv | typeof Ajv2019 | typeof Ajv2020 {
  const { $schema } = Object(document) as { readonly $schema?: unknown }
  if ($schema === undefined || /\/2020-12\//.test(String($schema))) return Ajv2020
  if (/\/2019-09\//.test(String($schema))) return Ajv2019
  if (/\/draft-07\//.test(String($schema))) return Ajv
  throw new Error(`$schema is ${String($schema)}; draft-07, 2019-09 and 2020-12 are known`)
}

/** ajv tells patterns apart by their text. */
const regExp = Object.assign(
  (pattern: string, flags: string) => {
    const regexp = linear(new RegExp(pattern, flags))
    return { test: (text: string) => regexp.matcher(text).find(), toString: () => `/${pattern}/${flags}` }
  },
  { code: 'linear' },
)

function jsonIn(body: Body): string {
  return isStructured(body) ? jsonOf(valueOfBody(body)) : textOf(body, 'JSON')
}

/** What would be checked of keys that stand twice is the last. */
function parsed(json: string): unknown {
  let seen: unknown
  try {
    seen = JSON.parse(json)
  } catch (cause) {
    throw new MessageRefused(`the body cannot be read as JSON: ${sentence(cause)}`)
  }
  if (!notTooDeep(() => hasKeyTwice(json, seen))) return seen
  throw new MessageRefused(
    'the body has a key that stands twice in an object, and only one of its values would be checked',
  )
}

/** `/lines/0/qty must be integer (type)`. */
function shown({ instancePath, message, keyword, params }: ErrorObject): string {
  const { additionalProperty, allowedValues } = params as Readonly<Record<string, unknown>>
  const more = additionalProperty ?? (allowedValues && JSON.stringify(allowedValues))
  const failure = `${instancePath || 'the body'} ${message ?? 'is wrong'}${more === undefined ? '' : `: ${more}`}`
  return `${failure.length > 200 ? `${failure.slice(0, 200)}…` : failure} (${keyword})`
}
