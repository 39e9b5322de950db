import type { Headers, Properties } from '../../../core/message.ts'
import { nothing, text, type Value } from '../../../core/value.ts'
import { propertiesName } from './attributes.ts'
import type { ReceivedAttribute } from './calls.ts'
import { parseTypedJson, typed, valueFromJson } from './parse-json.ts'

/** What labels of data types stand for: ours, and those of the Java JMS library for SQS. */
const labels: Readonly<Record<string, string>> = {
  byte: 'int8',
  short: 'int16',
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
}

/** Headers and properties of a message, as `attributesOf` and `propertiesJson` wrote them; other applications' too. */
export function decodeAttributes(attributes: Readonly<Record<string, ReceivedAttribute>>): {
  readonly headers: Headers
  readonly properties: Properties
} {
  const headers: [string, Value][] = []
  let properties: Properties = {}
  for (const [name, attribute] of Object.entries(attributes)) {
    const read = name === propertiesName ? propertiesOf(attribute.StringValue) : undefined
    if (read) properties = read
    else headers.push([name, valueFrom(attribute)])
  }
  return { headers: Object.fromEntries(headers), properties }
}

/**
 * The value by the data type: with a label that is known, the type that it names; a Number without one, a decimal with
 * all its digits; anything else, text or bytes. What does not fit its label stays text: an attribute is never lost.
 */
export function valueFrom({ DataType = 'String', StringValue, BinaryValue }: ReceivedAttribute): Value {
  const [kind = 'String', ...rest] = DataType.split('.')
  const label = rest.join('.')
  const string = StringValue ?? ''
  try {
    if (kind === 'Binary')
      return typed(/^decimal(32|64|128)$/.test(label) ? label : 'bytes', BinaryValue ?? '')
    if (label === 'json') return parseTypedJson(string)
    if (label === 'Array') return arrayOf(string)
    if (label === 'Boolean' && /^([01]|true|false)$/i.test(string)) {
      return { type: 'bool', value: /^(1|true)$/i.test(string) }
    }
    if (label !== '' && !/^(bytes|decimal.+)$/.test(label)) return typed(labels[label] ?? label, string)
    return kind === 'Number' ? typed('decimal', string) : text(string)
  } catch {
    return kind === 'Binary'
      ? { type: 'bytes', value: Buffer.from(BinaryValue ?? '', 'base64') }
      : text(string)
  }
}

/** SNS's String.Array: strings, numbers, booleans and null. Throws for anything else, and for numbers that lose digits. */
function arrayOf(json: string): Value {
  const items: unknown = JSON.parse(json)
  if (!Array.isArray(items) || JSON.stringify(items) !== json.replace(/(?<=[[,])\s+/g, ''))
    throw new Error('no array')
  return { type: 'list', value: items.map(scalar) }
}

function scalar(json: unknown): Value {
  if (json === null) return nothing
  if (typeof json === 'boolean') return { type: 'bool', value: json }
  if (typeof json === 'number') return { type: 'float64', value: json }
  if (typeof json === 'string') return text(json)
  throw new Error('no scalar')
}

const typedProperties = ['messageId', 'correlationId', 'userId']
/** The type of each property that is no `Value`. */
const plainProperties: Readonly<Record<string, string>> = {
  replyTo: 'string',
  contentType: 'string',
  contentEncoding: 'string',
  subject: 'string',
  groupId: 'string',
  appId: 'string',
  groupSequence: 'number',
  priority: 'number',
  expiresAt: 'number',
  createdAt: 'number',
  durable: 'boolean',
  retained: 'boolean',
}

/** Undefined when the text is not as `propertiesJson` writes it: then it is a header like any other. */
function propertiesOf(json = ''): Properties | undefined {
  try {
    const properties: Record<string, unknown> = {}
    const all: unknown = JSON.parse(json)
    if (typeof all !== 'object' || all === null || Array.isArray(all) || json === '{}') return undefined
    for (const [name, value] of Object.entries(all)) {
      if (typedProperties.includes(name)) properties[name] = valueFromJson(value)
      else if (typeof value === plainProperties[name]) properties[name] = value
      else return undefined
    }
    return properties
  } catch {
    return undefined
  }
}
