import type { Expected } from '../config/tests-schema.ts'
import type { Shown, ShownField } from '../core/adapter.ts'
import { matching } from '../core/wildcards.ts'
import { bytesText } from './changes.ts'
import type { Sent, TargetDone } from './trace.ts'

/** One thing that is not as a test says. */
export interface Difference {
  /** `address`, `body`, `field qty`, … */
  readonly what: string
  readonly expected: string
  readonly found: string
}

/** How the result at a target differs from what a test expects there. */
export function differences(expected: Expected, { result }: TargetDone): readonly Difference[] {
  if (expected.dropped) {
    return result.is === 'dropped' ? [] : [{ what: 'the end', expected: 'dropped', found: endOf(result) }]
  }
  if (expected.refused !== undefined) {
    const isRight = result.is === 'dead_lettered' && new RegExp(expected.refused).test(result.reason)
    if (isRight) return []
    return [
      {
        what: 'the end',
        expected: `dead-lettered, with a reason like /${expected.refused}/`,
        found: endOf(result),
      },
    ]
  }
  if (result.is !== 'sent') return [{ what: 'the end', expected: 'sent', found: endOf(result) }]
  const { shown } = result
  return [
    ...addressDifference(expected, shown),
    ...bodyDifferences(expected, shown),
    ...fieldDifferences(expected, shown),
  ]
}

const endOf = (result: TargetDone['result']): string => {
  if (result.is === 'sent') return `sent to ${(result as Sent).shown.address}`
  return result.is === 'dropped' ? `dropped by ${result.by}` : `dead-lettered: ${result.reason}`
}

const addressDifference = ({ address }: Expected, shown: Shown): readonly Difference[] =>
  address === undefined || address === shown.address
    ? []
    : [{ what: 'address', expected: address, found: shown.address }]

function bodyDifferences(expected: Expected, { body }: Shown): readonly Difference[] {
  const bytes = Buffer.from(body)
  const found: Difference[] = []
  if (expected.body !== undefined && !bytes.equals(Buffer.from(expected.body))) {
    found.push({
      what: 'body',
      expected: expected.body,
      found: typeof body === 'string' ? body : bytesText(body),
    })
  }
  if (expected.body_base64 !== undefined && bytes.toString('base64') !== expected.body_base64) {
    found.push({ what: 'body in base64', expected: expected.body_base64, found: bytes.toString('base64') })
  }
  if (expected.body_json !== undefined) found.push(...jsonDifferences(expected.body_json, bytes.toString()))
  return found
}

/** One for each place in the JSON that is another than expected. */
function jsonDifferences(expected: unknown, body: string): readonly Difference[] {
  try {
    return within('body', expected, JSON.parse(body, exactly))
  } catch {
    return [{ what: 'body', expected: `JSON: ${JSON.stringify(expected)}`, found: body }]
  }
}

/** A number with more digits than JavaScript keeps is what was written, so that it is not equal to its neighbours. */
const exactly = (_: string, value: unknown, context?: { readonly source?: string }): unknown =>
  typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
    ? (context?.source ?? value)
    : value

function within(what: string, expected: unknown, found: unknown): readonly Difference[] {
  const isInside = (value: unknown): value is Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null
  if (isInside(expected) && isInside(found) && Array.isArray(expected) === Array.isArray(found)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])]
    return keys.flatMap(key => {
      const inner = Array.isArray(expected) ? `${what}[${key}]` : `${what}.${key}`
      return within(inner, expected[key], found[key])
    })
  }
  if (Object.is(expected, found) || expected === found) return []
  return [{ what, expected: jsonText(expected), found: jsonText(found) }]
}

const jsonText = (value: unknown): string => JSON.stringify(value) ?? 'not there'

function fieldDifferences(
  { fields = {}, only_fields, no_fields = [] }: Expected,
  shown: Shown,
): readonly Difference[] {
  const wanted = Object.entries(fields).flatMap(([name, written]) => {
    const found = shown.fields.filter(field => isNamed(field, name))
    return oneField(name, written, found)
  })
  const names = Object.keys(fields)
  const others = only_fields ? shown.fields.filter(field => !names.some(name => isNamed(field, name))) : []
  const isUnwanted = matching(no_fields)
  const unwanted = shown.fields.filter(field => isUnwanted(field.name) || isUnwanted(pathOf(field)))
  return [
    ...wanted,
    ...[...others, ...unwanted].map(field => ({
      what: `field ${pathOf(field)}`,
      expected: 'not there',
      found: fieldText(field),
    })),
  ]
}

const pathOf = ({ section, name }: ShownField): string =>
  section === undefined ? name : `${section}/${name}`

const isNamed = (field: ShownField, name: string): boolean => field.name === name || pathOf(field) === name

type WrittenField = NonNullable<Expected['fields']>[string]

function oneField(name: string, written: WrittenField, found: readonly ShownField[]): readonly Difference[] {
  const what = `field ${name}`
  const wanted = typeof written === 'object' && !Array.isArray(written) ? written : { value: written }
  const { type, value } = wanted as { type?: string; value?: string | number | boolean | readonly unknown[] }
  const expected = [type, value === undefined ? undefined : String(value)]
    .filter(t => t !== undefined)
    .join(' ')
  if (found.length === 0) return [{ what, expected, found: 'not there' }]
  const sections = new Set(found.map(field => field.section))
  if (sections.size > 1) {
    return [
      {
        what,
        expected: `one of ${found.map(pathOf).join(', ')}: write the name like that`,
        found: 'several of the name',
      },
    ]
  }
  const values = value === undefined ? undefined : Array.isArray(value) ? value.map(String) : [String(value)]
  const isRight =
    (type === undefined || found.every(field => field.type === type)) &&
    (values === undefined ||
      (values.length === found.length && found.every((field, i) => field.value === values[i])))
  return isRight
    ? []
    : [{ what, expected, found: found.map(field => fieldText(field, type !== undefined)).join(', ') }]
}

const fieldText = ({ type, value }: ShownField, withType = true): string =>
  withType && type !== undefined ? `${type} ${value}` : value
