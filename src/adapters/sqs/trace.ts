import type { Headers } from '../../core/message.ts'
import { text } from '../../core/value.ts'
import type { Attribute } from '../shared/aws/calls.ts'

/** W3C Trace Context, section 3.2; of later versions the beginning is the same. */
const parent =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{8})([0-9a-f]{24})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-|$)/

/**
 * The trace of the header `traceparent` in the words of X-Ray (developer guide, "Tracing header"), whose trace ids are those
 * of W3C with the time in front; nothing where there is none that could be read.
 */
export function awsTrace({ traceparent }: Headers): { readonly AWSTraceHeader: Attribute } | undefined {
  const [, time, unique, span, flags] =
    (traceparent?.type === 'string' && parent.exec(traceparent.value)) || []
  if (flags === undefined) return undefined
  const sampled = Number.parseInt(flags, 16) & 1
  const StringValue = `Root=1-${time}-${unique};Parent=${span};Sampled=${sampled}`
  return { AWSTraceHeader: { DataType: 'String', StringValue } }
}

/** The headers with a `traceparent` made of an AWSTraceHeader, where they have none and it names a segment to go on from. */
export function withTrace(headers: Headers, awsTraceHeader: string | undefined): Headers {
  if (awsTraceHeader === undefined || Object.hasOwn(headers, 'traceparent')) return headers
  const fields = Object.fromEntries(awsTraceHeader.split(';').map(field => field.trim().split('=', 2)))
  const [, time, unique] = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(fields.Root) ?? []
  const traceparent = `00-${time}${unique}-${fields.Parent}-0${fields.Sampled === '1' ? 1 : 0}`
  return parent.test(traceparent) ? { ...headers, traceparent: text(traceparent) } : headers
}
