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
    if (kind === 'Binary') {
      const bytes = BinaryValue ?? ''
      return label.startsWith('decimal') ? typed(label, bytes) : typed('bytes', bytes)
    }
    if (label === 'json') return parseTypedJson(string)
    if (label === 'Array') return plainValue(JSON.parse(string))
    if (label === 'Boolean') return { type: 'bool', value: string === '1' || string.toLowerCase() === 'true' }
    if (label !== '') return typed(labels[label] ?? label, string)
    return kind === 'Number' ? typed('decimal', string) : text(string)
  } catch {
    return kind === 'Binary' ? typed('bytes', BinaryValue ?? '') : text(string)
  }
}

/** SNS's String.Array: strings, numbers, booleans and null. */
function plainValue(json: unknown): Value {
  if (Array.isArray(json)) return { type: 'list', value: json.map(plainValue) }
  if (json === null) return nothing
  if (typeof json === 'boolean') return { type: 'bool', value: json }
  return typeof json === 'number' ? { type: 'float64', value: json } : text(String(json))
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
    for (const [name, value] of Object.entries(JSON.parse(json))) {
      if (typedProperties.includes(name)) properties[name] = valueFromJson(value)
      else if (typeof value === plainProperties[name]) properties[name] = value
      else return undefined
    }
    return properties
  } catch {
    return undefined
  }
}
