import { z } from 'zod'
import { isString } from './event.ts'

/** RFC 3986, appendix A: the characters that a URI may have. */
const uri = z
  .string()
  .regex(/^([\w\-.~:/?#[\]@!$&'()*+,;=]|%[\dA-Fa-f]{2})+$/, {
    error: 'expected a URI or a relative reference to one: no blanks, and no ${…}',
  })
  .optional()
  .describe(
    'source of events that are made of other messages, as a URI; absent: `/sluice/ROUTE/ADDRESS`, with the address where the message was read',
  )

const type = z
  .string()
  .min(1)
  .refine(isString, { error: 'expected a text without control characters' })
  .optional()
  .describe('type of events that are made of messages without a subject; absent: those are refused')

/** `cloudevents:` of a sink whose protocol has structured events only. */
export const structuredEvents = z
  .strictObject({ source: uri, type })
  .optional()
  .describe('with `format: cloudevents`')

/** `cloudevents:` of a sink whose protocol has both modes. */
export const events = z
  .strictObject({
    mode: z
      .enum(['structured', 'binary'])
      .default('structured')
      .describe(
        'structured: the body is JSON that holds the attributes and the data. binary: the attributes are headers, and the body is the data',
      ),
    source: uri,
    type,
  })
  .optional()
  .describe('with `format: cloudevents`')

export type EventsOptions = z.output<typeof structuredEvents> & { readonly mode?: 'structured' | 'binary' }

/** `format:` of a sink that has no other one. */
export const sinkFormat = z
  .enum(['native', 'cloudevents'])
  .default('native')
  .describe(
    'cloudevents: a message that is an event of CloudEvents 1.0 is written as one, and any other becomes one',
  )

/** `format:` of a source that has no other one. */
export const sourceFormat = z
  .enum(['native', 'cloudevents'])
  .default('native')
  .describe(
    'cloudevents: messages are events of CloudEvents 1.0 and are taken apart: their attributes are headers `cloudEvents_NAME`, the ' +
      'body is the data, and the subject is the type where the message has none; what is no event is a dead letter',
  )

/** Is `cloudevents:` there only where it says something? */
export const belongs = {
  holds: ({ format, cloudevents }: { format: string; cloudevents?: object | undefined }): boolean =>
    cloudevents === undefined || format === 'cloudevents',
  params: { error: 'cloudevents belongs to format: cloudevents', path: ['cloudevents'] },
}
