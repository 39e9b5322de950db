import type { Endpoint, Limits } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Headers, Message, Properties } from '../../core/message.ts'
import { isTemplate } from '../../core/template.ts'
import { text, type Value } from '../../core/value.ts'
import { sqs } from '../shared/aws/attributes.ts'
import type { SqsEntry, SqsReceived } from '../shared/aws/calls.ts'
import { toClaim } from '../shared/aws/claim-check.ts'
import { headersOf } from '../shared/aws/decode.ts'
import { encode, native } from '../shared/aws/encode.ts'
import { parseNotification } from '../shared/aws/notification.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { unpacked } from '../shared/aws/packed.ts'
import type { Placed } from '../shared/aws/places-sink.ts'
import { type Restored, restored } from '../shared/carriage/restore.ts'
import { formatted, takenApart } from '../shared/cloudevents/cloudevents.ts'
import { readJms } from './jms-read.ts'
import { jms } from './jms-write.ts'
import type { SqsSinkOptions, SqsSourceOptions } from './options.ts'
import { parseQueue } from './queue.ts'
import { awsTrace, withTrace } from './trace.ts'

export interface SqsPrepared extends Placed {
  readonly entry: SqsEntry
}

/** A message as an entry of SendMessageBatch: all that SQS forbids is found here, since emulators take it. */
export function prepare(
  at: Endpoint<AwsConnectionOptions, SqsSinkOptions>,
  limits: Limits,
  given: Message,
): SqsPrepared {
  const { options } = at
  const message = formatted(given, at, { body: 'text' })
  const { queue: written, format, trace_header } = options
  const queue = isTemplate(written) ? chosen(message.address, written) : written
  const isFifo = queue.endsWith('.fifo')
  const { order, overflow = format === 'jms' ? 'refuse' : 'pack' } = options.attributes
  const encoded = encode(message, format === 'jms' ? jms(message, isFifo) : native(message, sqs), {
    service: sqs,
    isFifo,
    limits,
    attributes: { order, overflow },
    claim: toClaim(options.claim_check, at, queue, message.properties),
  })
  const { text: body, attributes, fifo, size, packed, claim } = encoded
  const trace = trace_header ? awsTrace(message.headers) : undefined
  const group = fifo.MessageGroupId
  return {
    entry: {
      MessageBody: body,
      ...attributes,
      ...(trace && { MessageSystemAttributes: trace }),
      ...fifo,
      ...delayOf(message.properties, queue, isFifo),
    },
    place: queue,
    size,
    ...(packed > 0 && { packed }),
    ...(claim && { claim }),
    ...(group !== undefined && { group }),
  }
}

function chosen(queue: string, template: string): string {
  if (parseQueue(queue) !== undefined) return queue
  throw new MessageRefused(
    `${JSON.stringify(queue)} is neither name, URL nor ARN of a queue, and ${template} comes to that for this message`,
  )
}

/** API reference of SendMessage. */
const longestDelay = 900

function delayOf({ delay }: Properties, queue: string, isFifo: boolean): { readonly DelaySeconds?: number } {
  if (delay === undefined || (isFifo && delay === 0)) return {}
  if (isFifo) {
    throw new MessageRefused(
      `the message has a delay, and the FIFO queue ${queue} takes none for a single message, only one for all of the queue`,
    )
  }
  const DelaySeconds = Math.ceil(delay / 1_000)
  if (DelaySeconds >= 0 && DelaySeconds <= longestDelay) return { DelaySeconds }
  throw new MessageRefused(
    `the message has a delay of ${DelaySeconds} s, and SQS delays by ${longestDelay} s at most`,
  )
}

/** A message as ReceiveMessage handed it out; from an SNS envelope only where the options say that there is one. */
export function decode(received: SqsReceived, options: SqsSourceOptions): Restored {
  const raw = decodeRaw(received, options.queue)
  try {
    const plain = options.body === 'raw' ? raw : fromNotification(raw, received.Body)
    const carried = unpacked(restored(options.format === 'jms' ? readJms(plain) : plain))
    const read = options.format === 'cloudevents' ? takenApart(carried, true) : carried
    if (!options.trace_header) return read
    const headers = withTrace(read.message.headers, received.Attributes?.AWSTraceHeader)
    return { ...read, message: { ...read.message, headers } }
  } catch (error) {
    return { message: raw, fault: unreadable(error) }
  }
}

/** Whatever goes wrong with what somebody sent is that message's fault, and must not end the polling for all others. */
export const unreadable = (error: unknown): MessageRefused =>
  error instanceof MessageRefused ? error : new MessageRefused('the message cannot be read', { cause: error })

function fromNotification(raw: Message, body = ''): Message {
  const { text: said, headers, properties, topic } = parseNotification(body)
  return {
    address: raw.address,
    body: { kind: 'text', text: said },
    properties: { ...raw.properties, ...properties },
    headers,
    annotations: { ...raw.annotations, TopicArn: text(topic) },
  }
}

/** As it came, whatever is in it. */
export function decodeRaw(
  { MessageId, Body = '', Attributes = {}, MessageAttributes = {} }: SqsReceived,
  queue: string,
): Message {
  const { SentTimestamp, MessageGroupId, ...rest } = Attributes
  const properties: Properties = {
    ...(MessageId !== undefined && { messageId: text(MessageId) }),
    ...(SentTimestamp !== undefined && /^\d+$/.test(SentTimestamp) && { createdAt: Number(SentTimestamp) }),
    ...(MessageGroupId !== undefined && { groupId: MessageGroupId }),
  }
  return {
    address: queue,
    body: Body === '' ? { kind: 'none' } : { kind: 'text', text: Body },
    properties,
    headers: headersOf(MessageAttributes),
    annotations: annotationsOf(rest),
  }
}

/** System attributes under the names that SQS gives them, all text. */
function annotationsOf(attributes: Readonly<Record<string, string>>): Headers {
  const annotations: Record<string, Value> = {}
  for (const name in attributes) annotations[name] = text(attributes[name]!)
  return annotations
}
