import { parseTypedJson, typed } from '../../../core/json/parse-typed-json.ts'
import type { Headers } from '../../../core/message.ts'
import { nothing, text, type Value } from '../../../core/value.ts'
import type { ReceivedAttribute, SqsReceived } from './calls.ts'

/** What labels of data types stand for: ours, and those of the Java JMS library for SQS. */
const labels: Readonly<Record<string, string>> = {
  byte: 'int8',
  short: 'int16',
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
}

/** The headers of a message, as `attributesOf` wrote them; other applications' too. */
export const headersOf = (attributes: Readonly<Record<string, ReceivedAttribute>>): Headers =>
  Object.fromEntries(Object.entries(attributes).map(([name, attribute]) => [name, valueFrom(attribute)]))

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

/** Bytes of the body and of the attributes, as SQS counts them, near enough. */
export function receivedSize({ Body = '', MessageAttributes = {} }: SqsReceived): number {
  let size = Buffer.byteLength(Body)
  for (const name in MessageAttributes) {
    const { DataType = '', StringValue = '', BinaryValue = '' } = MessageAttributes[name]!
    size += name.length + DataType.length + StringValue.length + BinaryValue.length
  }
  return size
}
