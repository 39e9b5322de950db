import { MessageRefused } from '../core/errors.ts'
import type { Message } from '../core/message.ts'

/** Written `id:` of the file, and `max_hops:` and `loop:` of the route. */
export interface TrailOptions {
  /** The bridge: routes of two bridges may have one name. */
  readonly bridge: string
  readonly maxHops: number
  readonly loop: 'dead_letter' | 'drop'
}

/**
 * Writes a route into the trail of each message, `BRIDGE/ROUTE` after `BRIDGE/ROUTE`, oldest first, so that one which
 * comes back to a route it has passed is not carried round for ever. Gives undefined for such a message where loops are
 * dropped; throws MessageRefused otherwise, and for one that has passed too many routes. The message that a
 * dead letter keeps does not have this route in its trail, unless it is a loop.
 */
export function trail({ bridge, maxHops, loop }: TrailOptions, route: string) {
  const own = `${bridge}/${route}`
  return (message: Message): Message | undefined => {
    const passed = message.properties.trail
    if (passed === undefined) return { ...message, properties: { ...message.properties, trail: own } }
    const hops = passed.split(' ')
    if (hops.includes(own)) {
      if (loop === 'dead_letter') throw new MessageRefused(cameBack(route, passed))
      return undefined
    }
    if (hops.length >= maxHops) {
      throw new MessageRefused(
        `the message has passed ${hops.length} routes and max_hops is ${maxHops}: ${passed}`,
      )
    }
    return { ...message, properties: { ...message.properties, trail: `${passed} ${own}` } }
  }
}

/** The message as if it had not passed this route: else one that is sent again would be taken for a loop. */
export function withoutRoute(bridge: string, route: string, message: Message): Message {
  const { trail: passed, ...others } = message.properties
  const left = passed?.split(' ').filter(hop => hop !== `${bridge}/${route}`) ?? []
  return {
    ...message,
    properties: left.length === 0 ? others : { ...others, trail: left.join(' ') },
  }
}

const cameBack = (route: string, passed: string) =>
  `the message came back to the route ${route}, which it has passed already (${passed}): two routes lead in a circle; ` +
  'loop: drop is for mirrors, where that is meant'
