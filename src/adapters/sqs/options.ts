import { z } from 'zod'
import { isTemplate } from '../../core/template.ts'
import { claimCheckFrom } from '../shared/aws/claim-check-options.ts'
import { batchingSink, receivedBody } from '../shared/aws/options.ts'
import { belongs, structuredEvents } from '../shared/cloudevents/options.ts'
import { duration, sourceCredit } from '../shared/options.ts'
import { parseQueue } from './queue.ts'

const isQueue = (written: string): boolean => parseQueue(written) !== undefined

const format = z.enum(['native', 'jms', 'cloudevents']).default('native')

export const sinkOptions = z
  .strictObject({
    queue: z
      .string()
      .refine(written => isTemplate(written) || isQueue(written), {
        error: 'expected the name, URL or ARN of a queue, or a template for one',
      })
      .describe(
        'name, URL or ARN of the queue, which may hold `${…}`; one that ends in .fifo is a FIFO queue. Where a template chose a ' +
          'queue that is not there or denied, its messages are dead-lettered and others go on',
      ),
    format: format.describe(
      'jms: as the Amazon SQS Java Messaging Library writes it, so that its consumers read text, bytes and objects, typed ' +
        'properties, correlation id, group and a reply address that is the URL or ARN of a queue. cloudevents: the body is an event of ' +
        'CloudEvents 1.0 in JSON, the one that the message is or one that it becomes',
    ),
    cloudevents: structuredEvents,
    trace_header: z
      .boolean()
      .default(false)
      .describe(
        'write the trace of the header `traceparent` as AWSTraceHeader too, for X-Ray; it is none of the ten attributes',
      ),
    ...batchingSink,
  })
  .refine(belongs.holds, belongs.params)

export const sourceOptions = z.strictObject({
  queue: z
    .string()
    .refine(isQueue, { error: 'expected the name, URL or ARN of a queue' })
    .describe('name, URL or ARN of the queue; one that ends in .fifo is a FIFO queue'),
  ...sourceCredit,
  body: receivedBody,
  format: format.describe(
    'jms: what the Amazon SQS Java Messaging Library writes is read as the JMS message that it stands for. cloudevents: bodies are events in ' +
      'JSON and are taken apart: their attributes are headers `cloudEvents_NAME`, and the body is the data; what is no event is a dead letter',
  ),
  trace_header: z
    .boolean()
    .default(false)
    .describe('give a message that has no header `traceparent` one from its AWSTraceHeader'),
  pollers: z.int().min(1).max(64).default(16).describe('receives at a time, at most, while messages come'),
  wait: duration
    .refine(ms => ms >= 1_000 && ms <= 20_000 && ms % 1_000 === 0, {
      error: 'expected whole seconds from 1s to 20s',
    })
    .prefault('5s')
    .describe('how long a receive waits for a message; a stop waits for it to end'),
  call_timeout: duration.prefault('30s').describe('time limit of a call beyond that wait'),
  claim_check: claimCheckFrom,
})

export type SqsSourceOptions = z.output<typeof sourceOptions>

export type SqsSinkOptions = z.output<typeof sinkOptions>
