import { MessageRefused } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { IntakeParts } from './intake.ts'
import { after, type Mapped, type Step } from './mapping/step.ts'
import type { RouteParts } from './parts.ts'
import type { TargetSink } from './target.ts'
import { withoutRoute } from './trail.ts'

/** Hands out the messages of dead letters. */
export type RedriveSource = Pick<IntakeParts, 'prefetch' | 'open'>

/**
 * The parts of a route as it carries its own dead letters once more: to the target of this name or, where that is '', to all. A
 * delivery is accepted once each of them has confirmed it, and rejected when one refuses it, when its time is over, or when the
 * mapping now drops it, which confirms nothing. What is refused holds nobody for ever: a group that is held is parked at once,
 * which needs a `source` with a prefetch of 1. The links are opened beside those of a bridge that runs.
 */
export function redriving(
  { deadLetterPause: _, ...parts }: RouteParts,
  target: string,
  source: RedriveSource,
): RouteParts {
  const { bridge } = parts.trail
  const chosen = [...parts.targets].filter(([name]) => target === '' || name === target)
  const { ordering, onRefused } = parts.order
  return {
    ...parts,
    source: {
      connectionName: parts.source.connectionName,
      prefetch: source.prefetch,
      open: (deliver, context) => {
        const again = (message: Message) => withoutRoute(bridge, parts.name, message)
        return source.open(d => deliver({ ...d, message: again(d.message) }), context)
      },
    },
    mapping: kept(parts.mapping, () => true),
    targets: besideThem(chosen),
    deadLetters: [{ name: 'where it is', rejects: true }],
    order: { ordering, onRefused: ordering === 'strict' ? 'continue' : onRefused },
    expired: 'dead_letter',
  }
}

/** A target may drop what is for the others, but not all of them. */
function besideThem(chosen: readonly (readonly [string, TargetSink])[]): ReadonlyMap<string, TargetSink> {
  const drops = new WeakMap<Message, number>()
  const isLast = (message: Message) => {
    const dropped = (drops.get(message) ?? 0) + 1
    drops.set(message, dropped)
    return dropped === chosen.length
  }
  return new Map(
    chosen.map(([name, { mapping, ...sink }]) => [
      name,
      {
        ...sink,
        open: context => sink.open({ ...context, trial: true }),
        ...(mapping && { mapping: kept(mapping, isLast) }),
      },
    ]),
  )
}

const kept =
  (step: Step, refuses: (dropped: Message) => boolean): Step =>
  message =>
    after(step(message), (left): Mapped | undefined => {
      if (!left && refuses(message)) {
        throw new MessageRefused('the mapping drops it now: it stays, and is discarded if that is meant')
      }
      return left
    })
