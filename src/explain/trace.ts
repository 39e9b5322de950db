import type { TargetWay, Way, WayStep } from '../bridge.ts'
import type { Prepared, Shown } from '../core/adapter.ts'
import { MessageRefused, sentence, toError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import { type Change, changesBetween } from './changes.ts'
import { notesOn } from './notes.ts'

/** What one step did. */
export interface StepDone {
  /** `rule 3 (set)`, or `trail`, `reply`, `request`. */
  readonly label: string
  readonly changes: readonly Change[]
  /** The message ended here. */
  readonly end?: End
}

/** How a message ends that is not sent: dropped by a rule, or dead-lettered with a reason. */
export type End =
  | { readonly is: 'dropped'; readonly by: string }
  | { readonly is: 'dead_lettered'; readonly reason: string }

/** What would be sent. */
export interface Sent {
  readonly is: 'sent'
  readonly shown: Shown
  readonly size: number
  readonly limit: number
  /** What is not where it was, and what the adapter had to say. */
  readonly notes: readonly string[]
}

export interface TargetDone {
  readonly target: string
  readonly protocol: string
  readonly steps: readonly StepDone[]
  readonly result: Sent | End
}

export interface Explanation {
  readonly route: string
  readonly message: Message
  readonly at: number
  readonly steps: readonly StepDone[]
  readonly targets: readonly TargetDone[]
}

/** Walks the way of the message, as the route would go it, up to what each target would send. Opens nothing. */
export async function trace(way: Way, received: { message: Message; at: number }): Promise<Explanation> {
  const { message, at } = received
  const walked = await walk(way.steps, way.receive(message))
  const targets: TargetDone[] = []
  for (const [target, end] of way.targets) {
    const { protocol } = end.end
    if ('end' in walked) targets.push({ target, protocol, steps: [], result: walked.end })
    else targets.push({ target, protocol, ...(await traceTarget(end, walked.message)) })
  }
  return { route: way.route.name, message, at, steps: walked.steps, targets }
}

type Walked = { readonly steps: readonly StepDone[] } & (
  | { readonly message: Message }
  | { readonly end: End }
)

async function walk(steps: readonly WayStep[], message: Message): Promise<Walked> {
  const done: StepDone[] = []
  let now = message
  for (const step of steps) {
    const label = step.number === undefined ? step.name : `rule ${step.number} (${step.name})`
    let end: End | undefined
    try {
      const next = await step.run(now)
      if (next) {
        done.push({ label, changes: changesBetween(now, next) })
        now = next
        continue
      }
      end = { is: 'dropped', by: label }
    } catch (error) {
      end = deadLetteredBy(error)
    }
    return { steps: [...done, { label, changes: [], end }], end }
  }
  return { steps: done, message: now }
}

async function traceTarget(
  { end, steps, address }: TargetWay,
  message: Message,
): Promise<Pick<TargetDone, 'steps' | 'result'>> {
  const walked = await walk(steps, message)
  if ('end' in walked) return { steps: walked.steps, result: walked.end }
  const { kind, at } = end
  try {
    const addressed = await address(walked.message)
    const limits = kind.usualLimits(at)
    const prepared: Prepared = kind.prepare(at, limits, addressed)
    const shown = kind.show(at, prepared)
    const { size } = prepared
    const result: Sent = {
      is: 'sent',
      shown,
      size,
      limit: limits.maxMessageSize,
      notes: notesOn(addressed, prepared, shown, kind.isHeaderless?.(at) ?? false),
    }
    return { steps: walked.steps, result }
  } catch (error) {
    return { steps: walked.steps, result: deadLetteredBy(error) }
  }
}

function deadLetteredBy(thrown: unknown): End {
  const error = toError(thrown)
  const said = sentence(error)
  const reason =
    error instanceof MessageRefused ? said : `after some tries, since nobody expected this: ${said}`
  return { is: 'dead_lettered', reason }
}
