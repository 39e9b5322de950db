import type { Message } from '../core/message.ts'
import type { Step } from './mapping/step.ts'
import { type TrailOptions, trail } from './trail.ts'

/** One step on the way of a message through its route; undefined from it means that the message ends there, accepted. */
export interface Stage {
  readonly name: 'trail' | 'reply' | 'mapping' | 'request'
  readonly run: Step
}

export interface StageParts {
  readonly mapping: Step
  readonly trail: TrailOptions
  /** The route carries requests, or replies to them. */
  readonly request?: (message: Message) => Message
  readonly reply?: (message: Message) => Message
}

/** What becomes of a message before its targets are asked, in this order. */
export const stagesOf = (
  route: string,
  { trail: options, reply, mapping, request }: StageParts,
): readonly Stage[] => [
  { name: 'trail', run: trail(options, route) },
  ...(reply ? [{ name: 'reply', run: reply } as const] : []),
  { name: 'mapping', run: mapping },
  ...(request ? [{ name: 'request', run: request } as const] : []),
]
