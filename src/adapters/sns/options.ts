import { z } from 'zod'
import { batchingSink } from '../shared/aws/options.ts'

export const sinkOptions = z.strictObject({
  topic: z
    .string()
    .regex(/^arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?$/, {
      error: 'expected the ARN of a topic, arn:aws:sns:REGION:ACCOUNT:NAME',
    })
    .describe('ARN of the topic; one that ends in .fifo is a FIFO topic'),
  subject: z
    .boolean()
    .default(false)
    .describe("send the message's subject as the subject of e-mails too, where it is one that SNS takes"),
  ...batchingSink,
})

export type SnsSinkOptions = z.output<typeof sinkOptions>
