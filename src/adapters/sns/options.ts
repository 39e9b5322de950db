import { z } from 'zod'
import { isTemplate } from '../../core/template.ts'
import { batchingSink } from '../shared/aws/options.ts'
import { belongs, sinkFormat, structuredEvents } from '../shared/cloudevents/options.ts'

export const isTopic = (written: string): boolean =>
  /^arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/.test(written)

export const sinkOptions = z
  .strictObject({
    topic: z
      .string()
      .refine(written => isTemplate(written) || isTopic(written), {
        error: 'expected the ARN of a topic, arn:aws:sns:REGION:ACCOUNT:NAME, or a template for one',
      })
      .describe(
        'ARN of the topic, which may hold `${…}`; one that ends in .fifo is a FIFO topic. Where a template chose a topic that ' +
          'is not there or denied, its messages are dead-lettered and others go on',
      ),
    subject: z
      .boolean()
      .default(false)
      .describe("send the message's subject as the subject of e-mails too, where it is one that SNS takes"),
    format: sinkFormat,
    cloudevents: structuredEvents,
    ...batchingSink,
  })
  .refine(belongs.holds, belongs.params)

export type SnsSinkOptions = z.output<typeof sinkOptions>
