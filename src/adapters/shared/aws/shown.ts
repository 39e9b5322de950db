import type { ShownField } from '../../../core/adapter.ts'
import type { Attributes } from './calls.ts'

/** Attributes as the service has them, binary values in base64. */
export const shownAttributes = (section: string, attributes: Attributes = {}): readonly ShownField[] =>
  Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => ({
    section,
    name,
    type: DataType,
    value: BinaryValue === undefined ? (StringValue ?? '') : Buffer.from(BinaryValue).toString('base64'),
  }))

/** Those parameters of an entry that are there, under the names that the API gives them. */
export const shownParameters = (
  parameters: Readonly<Record<string, string | number | undefined>>,
): readonly ShownField[] =>
  Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  )
