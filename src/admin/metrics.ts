import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { BridgeStatus } from '../bridge.ts'
import type { BreakerState, RouteEvent } from '../core/events.ts'
import { diskMetrics } from './disk-metrics.ts'

const states: readonly BreakerState[] = ['closed', 'half_open', 'open']

/**
 * The metrics of one bridge: counters fed by its events, gauges read from its status when they are scraped. Labels are
 * names of the configuration, never an address or the text of an error.
 */
export function createMetrics(protocols: ReadonlyMap<string, string>, status: () => BridgeStatus) {
  const registry = new Registry()
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames: ['route', ...labelNames], registers: [registry] })

  const received = counter('sluice_messages_received_total', 'Messages taken from the source', ['protocol'])
  const receivedBytes = counter('sluice_received_bytes_total', 'Bytes of messages taken from the source', [
    'protocol',
  ])
  const filtered = counter('sluice_messages_filtered_total', 'Messages that a drop_if rule dropped', [
    'target',
  ])
  const looped = counter(
    'sluice_messages_looped_total',
    'Messages that came back to the route and were dropped',
  )
  const expired = counter(
    'sluice_messages_expired_total',
    'Messages whose time was over before they could be sent: dropped, or dead letters where the route says so',
    ['target'],
  )
  const replyFailed = counter('sluice_replies_failed_total', 'Replies that did not reach their requester', [
    'reason',
  ])
  const sent = counter('sluice_messages_sent_total', 'Messages that a target confirmed', ['target'])
  const packed = counter(
    'sluice_messages_packed_total',
    'Messages sent with headers packed together, for which the protocol has no room',
    ['target'],
  )
  const settled = counter('sluice_messages_settled_total', 'Messages settled at the source', ['outcome'])
  const failed = counter('sluice_sends_failed_total', 'Failed tries to send, by kind', ['target', 'kind'])
  const deadLettered = counter('sluice_messages_dead_lettered_total', 'Messages stored as dead letters', [
    'target',
  ])
  const deadLetterFailed = counter(
    'sluice_dead_letters_failed_total',
    'Dead letters that one place did not take',
  )
  const lost = counter(
    'sluice_deliveries_lost_total',
    'Deliveries that ended with their link; the broker has them again',
  )
  const dropped = counter('sluice_messages_dropped_total', 'Messages without guarantee that were let go', [
    'reason',
  ])
  const opened = counter('sluice_links_opened_total', 'Links opened', ['link'])
  const broken = counter('sluice_links_lost_total', 'Links lost, and attempts to open one that failed', [
    'link',
  ])
  const gaveBack = counter(
    'sluice_sources_given_back_total',
    'Times the source was closed and its messages given back, as its broker does not let them be held for longer',
  )
  const breakerOpened = counter('sluice_breakers_opened_total', 'Times the breaker opened', ['target'])
  const sendSeconds = new Histogram({
    name: 'sluice_send_seconds',
    help: 'Time from handing a message to the target to its confirmation',
    labelNames: ['route', 'target'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  })
  registerGauges(registry, protocols, status)
  const disk = diskMetrics(registry, status)
  collectDefaultMetrics({ register: registry })

  const protocolOf = (route: string) => protocols.get(route) ?? ''
  const counts: { readonly [T in RouteEvent['type']]?: (event: Extract<RouteEvent, { type: T }>) => void } = {
    received: ({ route, size }) => {
      received.inc({ route, protocol: protocolOf(route) })
      receivedBytes.inc({ route, protocol: protocolOf(route) }, size)
    },
    filtered: ({ route, target }) => filtered.inc({ route, target }),
    looped: ({ route }) => looped.inc({ route }),
    expired: ({ route, target }) => expired.inc({ route, target }),
    reply_failed: ({ route, reason }) => replyFailed.inc({ route, reason }),
    sent: ({ route, target, seconds, packed: isPacked }) => {
      sent.inc({ route, target })
      if (isPacked) packed.inc({ route, target })
      sendSeconds.observe({ route, target }, seconds)
    },
    send_failed: ({ route, target, kind }) => failed.inc({ route, target, kind }),
    dead_lettered: ({ route, target }) => deadLettered.inc({ route, target }),
    dead_letter_failed: ({ route }) => deadLetterFailed.inc({ route }),
    settled: ({ route, outcome }) => settled.inc({ route, outcome }),
    lost: ({ route }) => lost.inc({ route }),
    dropped: ({ route, reason }) => dropped.inc({ route, reason }),
    link_up: ({ route, link }) => opened.inc({ route, link }),
    link_down: ({ route, link }) => broken.inc({ route, link }),
    gave_back: ({ route }) => gaveBack.inc({ route }),
    ...disk,
    breaker: ({ route, target, state }) => {
      if (state === 'open') breakerOpened.inc({ route, target })
    },
  }
  const count = (event: RouteEvent): void =>
    (counts[event.type] as ((e: RouteEvent) => void) | undefined)?.(event)
  return { registry, count }
}

function registerGauges(
  registry: Registry,
  protocols: ReadonlyMap<string, string>,
  status: () => BridgeStatus,
): void {
  type Row = BridgeStatus extends ReadonlyMap<string, infer S> ? S : never
  const perRoute = (name: string, help: string, value: (row: Row) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['route', 'protocol'],
      registers: [registry],
      collect() {
        for (const [route, row] of status())
          this.set({ route, protocol: protocols.get(route) ?? '' }, value(row))
      },
    })
  const perTarget = (name: string, help: string, value: (target: Row['targets'][string]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['route', 'target'],
      registers: [registry],
      collect() {
        for (const [route, row] of status()) {
          for (const [target, of] of Object.entries(row.targets)) this.set({ route, target }, value(of))
        }
      },
    })
  perRoute('sluice_messages_buffered', 'Messages here that are not settled', row => row.source.messages)
  perRoute('sluice_bytes_buffered', 'Bytes of messages here that are not settled', row => row.source.bytes)
  perRoute(
    'sluice_buffer_limit_bytes',
    'Bytes that may be here: less than buffer.max_bytes while memory is short',
    row => row.source.maxBytes,
  )
  perRoute(
    'sluice_credit_messages',
    'Messages granted to the source that have not come',
    row => row.source.credit,
  )
  perRoute(
    'sluice_oldest_unsettled_seconds',
    'Age of the oldest message here',
    row => row.oldestUnsettledSeconds,
  )
  perRoute(
    'sluice_route_stalled',
    '1 while the oldest message here has waited for more than a minute',
    row => (row.stalled ? 1 : 0),
  )
  perRoute('sluice_route_paused', '1 while the route is held after too many dead letters', row =>
    row.paused === undefined ? 0 : 1,
  )
  perRoute('sluice_source_up', '1 while the source is connected', row => (row.source.up ? 1 : 0))
  perTarget('sluice_target_up', '1 while the target is connected', target => (target.up ? 1 : 0))
  perTarget(
    'sluice_groups_held',
    'Order groups that wait behind a refused message, or go to the dead letter after it',
    target => target.groupsHeld,
  )
  perTarget(
    'sluice_sends_in_flight',
    'Messages that are being sent to the target, those included that wait for its link or its breaker',
    target => target.inFlight,
  )
  perTarget(
    'sluice_sends_limit',
    'Messages that may be in flight at a time, since the target throttles; 0 while there is no limit',
    target => target.inFlightLimit ?? 0,
  )
  perTarget('sluice_breaker_state', '0 closed, 1 half open, 2 open', target => states.indexOf(target.breaker))
}
