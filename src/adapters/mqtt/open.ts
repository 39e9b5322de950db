import type { Deliver, LinkContext, Source } from '../../core/adapter.ts'
import { formatDuration } from '../../core/units.ts'
import { inTurn } from '../shared/in-turn.ts'
import { within } from '../shared/within.ts'
import { sourceSession } from './client-options.ts'
import { Connection } from './connection.ts'
import { clientIdOf, filterOf, onTrial, type SourceAt } from './options.ts'
import { reason } from './refusals.ts'
import { type SessionMemory, sessionMemory } from './sessions.ts'
import { MqttSource } from './source.ts'

/**
 * Connects, subscribes unless the session still is, and says what became of the session. On trial it is a session of
 * its own, which ends with the connection.
 */
export async function openSource(
  configured: SourceAt,
  deliver: Deliver,
  context: LinkContext,
): Promise<Source> {
  const at = context.trial ? onTrial(configured) : configured
  const { connection: options, options: from } = at
  const session = sourceSession(at)
  const connection = await inTurn(options.urls, context.signal, url =>
    Connection.open(url, session, context.signal),
  )
  const memory = sessionMemory(options, clientIdOf(at))
  try {
    tellOfSession(at, connection, memory, context)
    const source = new MqttSource(at, connection, deliver, context)
    if (!staysSubscribed(at, connection, memory)) {
      await within(
        options.connect_timeout,
        `subscribing to ${from.topic}`,
        subscribe(at, connection),
        context.signal,
      )
    }
    memory.filter = filterOf(from)
    source.opened()
    return source
  } catch (error) {
    connection.fail(new Error('opening was given up', { cause: error }))
    throw error
  }
}

async function subscribe(at: SourceAt, connection: Connection): Promise<void> {
  const { topic, qos, retained } = at.options
  const retainHandling = { all: 0, new: 1, skip: 2 } as const
  const granted = await connection.subscribe(filterOf(at.options), qos, retainHandling[retained])
  if (granted >= 128) throw new Error(`the broker refused the subscription to ${topic}: ${reason(granted)}`)
  if (granted < qos) {
    throw new Error(
      `the broker grants ${topic} QoS ${granted} only, which loses messages (qos: 0 accepts that)`,
    )
  }
}

/**
 * Before version 5 each SUBSCRIBE brings the retained messages again. Those of a new subscription only are had by not
 * repeating it, as far as this process knows of it; the first time after a start they come again rather than not at all.
 */
const staysSubscribed = (at: SourceAt, { sessionPresent }: Connection, { filter }: SessionMemory): boolean =>
  at.options.retained === 'new' &&
  at.connection.version !== 5 &&
  sessionPresent &&
  filter === filterOf(at.options)

function tellOfSession(
  { options }: SourceAt,
  { sessionPresent, sessionExpiry }: Connection,
  memory: SessionMemory,
  context: LinkContext,
): void {
  if (options.session === 'clean') return
  if (sessionPresent) memory.wasPresent = true
  else if (memory.filter !== undefined && (memory.wasPresent || !memory.told.has('session'))) {
    memory.told.add('session')
    const doubt = memory.wasPresent
      ? ''
      : ' (unless it never says that it has one: ActiveMQ Classic does not)'
    const text = `the broker has no session of ours any more: what it kept while the link was down is lost there${doubt}`
    context.report({ type: 'notice', text })
  }
  if (sessionExpiry !== undefined && sessionExpiry < options.session_expiry && !memory.told.has('expiry')) {
    memory.told.add('expiry')
    const text = `the broker keeps the session for ${formatDuration(sessionExpiry)} only, then its messages are lost`
    context.report({ type: 'notice', text })
  }
}
