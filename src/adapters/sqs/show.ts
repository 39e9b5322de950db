import type { Limits, Shown } from '../../core/adapter.ts'
import { shownClaim } from '../shared/aws/claim-check.ts'
import { shownAttributes, shownParameters } from '../shared/aws/shown.ts'
import type { SqsPrepared } from './codec.ts'

/** The most that a queue takes, and what it takes unless its MaximumMessageSize says less (API reference). */
export const usualLimits = (): Limits => ({ maxMessageSize: 1_048_576 })

/** The entry of SendMessageBatch, parameters and attributes under the names of the API. */
export function show(_at: unknown, { entry, place, claim }: SqsPrepared): Shown {
  const { MessageBody, MessageAttributes, MessageSystemAttributes, ...parameters } = entry
  return {
    address: place,
    body: MessageBody,
    fields: [
      ...shownParameters(parameters),
      ...shownAttributes('MessageAttributes', MessageAttributes),
      ...shownAttributes('MessageSystemAttributes', MessageSystemAttributes),
      ...shownClaim(claim),
    ],
  }
}
