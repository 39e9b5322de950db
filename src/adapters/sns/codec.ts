import type { Endpoint, Limits } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import { isTemplate } from '../../core/template.ts'
import { sns } from '../shared/aws/attributes.ts'
import type { SnsEntry } from '../shared/aws/calls.ts'
import { toClaim } from '../shared/aws/claim-check.ts'
import { encode, native } from '../shared/aws/encode.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import type { Placed } from '../shared/aws/places-sink.ts'
import { formatted } from '../shared/cloudevents/cloudevents.ts'
import { isTopic, type SnsSinkOptions } from './options.ts'

export interface SnsPrepared extends Placed {
  readonly entry: SnsEntry
}

/** A message as an entry of PublishBatch: all that SNS forbids is found here, since emulators take it. */
export function prepare(
  at: Endpoint<AwsConnectionOptions, SnsSinkOptions>,
  limits: Limits,
  given: Message,
): SnsPrepared {
  const { options } = at
  const message = formatted(given, at, { body: 'text' })
  const topic = isTemplate(options.topic) ? chosen(message.address, options.topic) : options.topic
  const { subject, delay = 0 } = message.properties
  if (delay > 0) throw new MessageRefused('the message has a delay, and SNS cannot delay')
  const { order, overflow = 'pack' } = options.attributes
  const { text, attributes, fifo, size, packed, claim } = encode(message, native(message, sns), {
    service: sns,
    isFifo: topic.endsWith('.fifo'),
    limits,
    attributes: { order, overflow },
    claim: toClaim(options.claim_check, at, topic, message.properties),
  })
  const group = fifo.MessageGroupId
  return {
    entry: {
      Message: text,
      ...(options.subject && subject !== undefined && isSubject(subject) && { Subject: subject }),
      ...attributes,
      ...fifo,
    },
    place: topic,
    size,
    ...(packed > 0 && { packed }),
    ...(claim && { claim }),
    ...(group !== undefined && { group }),
  }
}

function chosen(topic: string, template: string): string {
  if (isTopic(topic)) return topic
  throw new MessageRefused(
    `${JSON.stringify(topic)} is no ARN of a topic, and ${template} comes to that for this message`,
  )
}

/** ASCII, below 100 characters, beginning with a letter, digit or punctuation mark (API reference of Publish). */
const isSubject = (subject: string): boolean => /^[!-~][ -~]{0,98}$/.test(subject)
