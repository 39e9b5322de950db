import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import { sentence } from '../core/errors.ts'
import type { RouteEvent } from '../core/events.ts'

export type { Logger }

/** JSON lines on standard output; readable lines where that is a terminal. */
export function createLog(level: string): Logger {
  if (!process.stdout.isTTY) {
    const formatters = { level: (label: string) => ({ level: label }) }
    return pino({ level, base: null, formatters, timestamp: pino.stdTimeFunctions.isoTime })
  }
  return pino(
    { level, base: null },
    pretty({ translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname', sync: true }),
  )
}

/** Between two lines about the same failing link or target (ms); what comes in between is counted. */
const quiet = 30_000

/**
 * Turns events into lines: one for each change, none for each message above debug. Error: somebody must act. Warn: it
 * is being tried again. What fails over and over is said once in thirty seconds.
 */
export function eventLog(log: Logger): (event: RouteEvent) => void {
  const last = new Map<string, { at: number; more: number }>()
  const seldom = (key: string, say: (more: object) => void) => {
    const known = last.get(key)
    const now = performance.now()
    if (known && now - known.at < quiet) {
      known.more++
      return
    }
    last.set(key, { at: now, more: 0 })
    say(known?.more ? { repeated: known.more } : {})
  }
  return event => {
    const { route } = event
    switch (event.type) {
      case 'link_up':
        last.delete(`link ${route} ${event.link} ${event.place}`)
        return log.info({ route, link: event.link, place: event.place }, 'connected')
      case 'link_down': {
        const { link, place, error } = event
        return seldom(`link ${route} ${link} ${place}`, more =>
          log.warn(
            { route, link, place, ...more, reason: error && sentence(error) },
            'not connected; trying again',
          ),
        )
      }
      case 'gave_back':
        return log.error(
          { route, messages: event.messages, reason: sentence(event.error) },
          'messages were held for too long and are given back; waiting for what they need',
        )
      case 'send_failed': {
        const { target, kind, error, attempt } = event
        if (kind === 'refused')
          return log.debug({ route, target, kind, reason: sentence(error) }, 'message refused')
        return seldom(`send ${route} ${target} ${kind}`, more =>
          log.warn(
            { route, target, kind, attempt, ...more, reason: sentence(error) },
            'sending failed; trying again',
          ),
        )
      }
      case 'dead_lettered': {
        const { target, to, reason } = event
        return seldom(`dead ${route} ${target}`, more =>
          log.error({ route, target, to, ...more, reason }, 'message dead-lettered'),
        )
      }
      case 'dead_letter_failed':
        return seldom(`dead letter ${route} ${event.to}`, more =>
          log.error(
            { route, to: event.to, ...more, reason: sentence(event.error) },
            'a place for dead letters did not take one; the next is tried',
          ),
        )
      case 'unexpected':
        return seldom(`unexpected ${route} ${event.target}`, more =>
          log.error(
            { route, target: event.target, ...more, err: event.error },
            'unexpected error; the message is dead-lettered',
          ),
        )
      case 'breaker': {
        const { target, state, error } = event
        if (state === 'open')
          return log.warn({ route, target, reason: error && sentence(error) }, 'breaker open; waiting')
        return log.info(
          { route, target },
          state === 'closed' ? 'breaker closed' : 'breaker half open; probing',
        )
      }
      case 'concurrency': {
        const { target, limit } = event
        if (limit === Number.POSITIVE_INFINITY)
          return log.info({ route, target }, 'the target does not throttle any more; sending without a limit')
        return seldom(`throttled ${route} ${target}`, more =>
          log.warn(
            { route, target, limit, ...more },
            'the target throttles; sending fewer messages at a time',
          ),
        )
      }
      case 'group_held':
        return seldom(`held ${route} ${event.target}`, more =>
          log.error(
            { route, target: event.target, group: event.group, ...more, reason: sentence(event.error) },
            'a message was refused and its group waits behind it',
          ),
        )
      case 'group_parked':
        return log.error(
          { route, target: event.target, group: event.group },
          'too much is held: this group goes to the dead letter, in its order, until the next start',
        )
      case 'expired':
        return seldom(`expired ${route} ${event.target}`, more =>
          log.warn({ route, target: event.target, ...more }, 'a message expired before it could be sent'),
        )
      case 'paused':
        return log.error(
          { route, reason: event.reason },
          'route paused: too many dead letters; what comes waits at its broker until the route is resumed or started again',
        )
      case 'resumed':
        return log.info({ route }, 'route resumed')
      case 'pressure': {
        const [scale, used] = [event.scale, event.used].map(part => `${Math.round(part * 100)} %`)
        if (event.scale === 1) return log.info({ used }, 'memory suffices again: buffers have all their room')
        return seldom('pressure', more =>
          log.warn(
            { used, ...more },
            `memory is short: buffers have ${scale} of their room, the rest waits at the brokers`,
          ),
        )
      }
      case 'late':
        return seldom('late', more =>
          log.warn(
            { seconds: Math.round(event.seconds * 1000) / 1000, ...more },
            'the event loop is late and heartbeats may be missed: this machine or a mapping is too slow for the load',
          ),
        )
      case 'stalled':
        return log.error(
          { route, seconds: event.seconds },
          'the oldest message here has waited for more than a minute',
        )
      case 'disk_full':
        if (event.reason === undefined) return log.info({ route }, 'room on the disk again')
        return log.error({ route, reason: event.reason }, 'no room in the disk buffer; nothing more is taken')
      case 'disk_failed':
        return seldom(`disk ${route}`, more =>
          log.error({ route, ...more, reason: sentence(event.error) }, 'the disk buffer fails; trying again'),
        )
      case 'disk_damaged': {
        const { records, copies, about } = event
        return log.error(
          { route, records, about, ...(copies !== '' && { copies }) },
          'records of the disk buffer are damaged and were set aside; the rest is carried',
        )
      }
      case 'notice':
        return log.warn({ route, link: event.link }, event.text)
      case 'dropped':
        return seldom(`dropped ${route} ${event.reason}`, more =>
          log.warn({ route, reason: event.reason, ...more }, 'a message without guarantee was dropped'),
        )
      case 'lost':
        if (event.error) return log.debug({ route, reason: sentence(event.error) }, 'settling came too late')
        return log.debug({ route }, 'delivery lost; its broker has it again')
      default:
        return
    }
  }
}
