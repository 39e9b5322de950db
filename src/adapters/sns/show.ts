import type { Limits, Shown } from '../../core/adapter.ts'
import { shownClaim } from '../shared/aws/claim-check.ts'
import { shownAttributes, shownParameters } from '../shared/aws/shown.ts'
import type { SnsPrepared } from './codec.ts'

/** What a topic takes whose MaximumMessageSize is not set (API reference of GetTopicAttributes). */
export const usualLimits = (): Limits => ({ maxMessageSize: 262_144 })

/** The entry of PublishBatch, parameters and attributes under the names of the API. */
export function show(_at: unknown, { entry, place, claim }: SnsPrepared): Shown {
  const { Message, MessageAttributes, ...parameters } = entry
  return {
    address: place,
    body: Message,
    fields: [
      ...shownParameters(parameters),
      ...shownAttributes('MessageAttributes', MessageAttributes),
      ...shownClaim(claim),
    ],
  }
}
