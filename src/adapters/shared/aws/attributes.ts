import { numberText, typedJson } from '../../../core/json/typed-json.ts'
import type { Value } from '../../../core/value.ts'
import type { Attribute, Attributes } from './calls.ts'
import { isAboveBmp, isPlain } from './text.ts'

/** What the two services do not have in common. */
export interface Service {
  readonly name: 'SQS' | 'SNS'
  /** Is this decimal text (digits, sign, point) within the range and precision of a Number? */
  takesNumber(decimal: string): boolean
  /** Does it take characters above U+FFFF in attribute values? */
  readonly aboveBmp: boolean
}

/** SQS: 38 digits, 10^-128 to 10^126, which every text of ours without an exponent keeps. */
export const sqs: Service = { name: 'SQS', takesNumber: () => true, aboveBmp: true }

/** SNS: -10^9 to 10^9 with five digits after the point (developer guide, message attributes). */
export const sns: Service = {
  name: 'SNS',
  takesNumber: decimal => Math.abs(Number(decimal)) <= 1e9 && !/\.\d{6,}$/.test(decimal),
  aboveBmp: false,
}

/** The labels of the Java JMS library for SQS where it has one, so that its consumers read the types they know. */
const numbers = {
  int8: 'byte',
  int16: 'short',
  int32: 'int',
  int64: 'long',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
  float32: 'float',
  float64: 'double',
  timestamp: 'timestamp',
} as const

/**
 * The data type's label says which type the value had. What cannot be an attribute value of its own kind (null, lists,
 * maps, empty strings and bytes, strings with characters that the service refuses) is a `String.json` as `typedJson`
 * writes it, so that no value is refused or changed. A number that the service would refuse, round or trim is a String with
 * the label of its type.
 */
export function attributeOf(value: Value, service: Service): Attribute {
  switch (value.type) {
    case 'bool':
      return { DataType: 'Number.Boolean', StringValue: value.value ? '1' : '0' }
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64':
    case 'uint8':
    case 'uint16':
    case 'uint32':
    case 'uint64':
    case 'float32':
    case 'float64':
    case 'timestamp': {
      const text = numberText(value.value)
      const kind = isDecimal(text) && service.takesNumber(text) ? 'Number' : 'String'
      return { DataType: `${kind}.${numbers[value.type]}`, StringValue: text }
    }
    case 'string':
    case 'symbol':
    case 'char':
    case 'uuid':
    case 'decimal': {
      const text = value.value
      if (value.type === 'decimal' && isUntrimmed(text) && service.takesNumber(text))
        return { DataType: 'Number.decimal', StringValue: text }
      if (text === '' || !isPlain(text) || (!service.aboveBmp && isAboveBmp(text)))
        return json(value, service)
      return { DataType: value.type === 'string' ? 'String' : `String.${value.type}`, StringValue: text }
    }
    case 'bytes':
    case 'decimal32':
    case 'decimal64':
    case 'decimal128':
      if (value.value.length === 0) return json(value, service)
      return {
        DataType: value.type === 'bytes' ? 'Binary' : `Binary.${value.type}`,
        BinaryValue: value.value,
      }
    default:
      return json(value, service)
  }
}

const json = (value: Value, service: Service): Attribute => ({
  DataType: 'String.json',
  StringValue: typedJson(value, !service.aboveBmp),
})

/** No exponent, no NaN, and no -0, whose sign a Number loses. */
const isDecimal = (text: string): boolean => text !== '-0' && /^-?\d+(\.\d+)?$/.test(text)

/** At most 38 digits, and no outer zeros, which a Number loses. */
const isUntrimmed = (text: string): boolean =>
  text.length <= 38 && /^-?(0|[1-9]\d*)(\.\d*[1-9])?$/.test(text) && text !== '-0'

/** Bytes as both services count them: names, data types with their labels, and values. */
export function sizeOf(attributes: Attributes): number {
  let size = 0
  for (const name in attributes) {
    const { DataType, StringValue, BinaryValue } = attributes[name]!
    size += name.length + DataType.length + (BinaryValue?.length ?? Buffer.byteLength(StringValue ?? ''))
  }
  return size
}
