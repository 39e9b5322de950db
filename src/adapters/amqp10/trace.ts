import type { Headers } from '../../core/message.ts'
import type { Value } from '../../core/value.ts'

/**
 * The trace of a message as text in its headers (W3C, Trace Context: AMQP protocol): what stands in the message annotations,
 * where somebody on the way may write, goes before what the sender wrote, and `traceparent` may be binary. What cannot be
 * read stays as it is.
 */
export function withTrace(headers: Headers, annotations: Headers | undefined): Headers {
  const isBinary = headers.traceparent?.type === 'bytes'
  if (!isBinary && annotations?.traceparent === undefined && annotations?.tracestate === undefined)
    return headers
  const parent = textOf(annotations?.traceparent) ?? textOf(headers.traceparent)
  const state = textOf(annotations?.tracestate)
  return { ...headers, ...(parent && { traceparent: parent }), ...(state && { tracestate: state }) }
}

function textOf(value: Value | undefined): Value | undefined {
  if (value?.type === 'string' || value?.type === 'symbol') return { type: 'string', value: value.value }
  const text = value?.type === 'bytes' ? ofBytes(Buffer.from(value.value)) : undefined
  return text === undefined ? undefined : { type: 'string', value: text }
}

/** As W3C, Trace Context: Binary protocol has it (version 0, then three numbered fields), or the bytes of the text. */
function ofBytes(b: Buffer): string | undefined {
  if (b.length === 29 && b[0] === 0 && b[1] === 0 && b[18] === 1 && b[27] === 2)
    return `00-${b.toString('hex', 2, 18)}-${b.toString('hex', 19, 27)}-${b.toString('hex', 28, 29)}`
  const text = b.toString('latin1')
  return /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?$/.test(text) ? text : undefined
}
