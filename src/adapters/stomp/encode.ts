import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Body, Headers, Message, Properties } from '../../core/message.ts'
import { isTemplate } from '../../core/template.ts'
import { bodyAsBytes } from '../shared/carriage/body.ts'
import { headerAsText } from '../shared/carriage/headers.ts'
import { type BodyNote, type Notes, propertiesJson, propertiesName } from '../shared/carriage/properties.ts'
import { encodeHeaders, type Version } from './codec.ts'
import type { Broker } from './dialect.ts'
import { wireName } from './names.ts'
import type { ConnectionOptions, Place, SinkOptions } from './options.ts'
import { propertyHeaders, takesText } from './properties.ts'
import { type Target, targetOf } from './target.ts'

/** What a link knows of its broker. Without a link the configuration is asked, or nobody. */
export interface StompLimits extends Limits {
  readonly broker: Broker
  readonly version: Version
}

/** A SEND frame without what is only known when it is sent. */
export interface StompPrepared extends Prepared {
  readonly head: string
  readonly body: string | Uint8Array
  /** Of the protocol: it says how the head is escaped. */
  readonly version: Version
  readonly target: Target
  /** Its address is the message's own choice: whatever is wrong with it is the message's fault. */
  readonly isChosen: boolean
  /** Milliseconds since 1970, where the broker wants to know the time that is left. */
  readonly expiresAt?: number
}

type At = Endpoint<ConnectionOptions, SinkOptions>

/** At the most: the command, the lines of receipt and expiration, and the ends of head and frame. */
const aroundHead = 96

export function prepare(at: At, limits: Limits, message: Message): StompPrepared {
  const { broker = at.connection.broker ?? 'other', version = '1.2' } = limits as Partial<StompLimits>
  const target = targetOf(broker, at.options, message.address)
  const { body, note, more } = bodyOf(broker, message.body)
  const { properties } = message
  const written = propertyHeaders(broker, properties)
  const { lines, types } = headersOf(broker, version, message.headers)
  const notes: Notes = { ...note, ...(types && { headers: types }) }
  const own = propertiesJson(properties, name => written.places.has(name), notes)
  const head = encodeHeaders(
    [
      ['destination', target.destination],
      ...target.more,
      ...more,
      ...written.headers,
      ...delayOf(broker, properties),
      ...lines,
      ...(own === undefined ? [] : [[propertiesName, own] as const]),
    ],
    version,
  )
  if (broker === 'activemq' || broker === 'other') checkActiveMq(head)
  const size = aroundHead + Buffer.byteLength(head) + Buffer.byteLength(body)
  if (size > limits.maxMessageSize) {
    throw new MessageRefused(
      `the message has ${size} bytes with its headers, and the broker takes ${limits.maxMessageSize} (max_message_size)`,
    )
  }
  const { expiresAt } = properties
  return {
    head,
    body,
    version,
    target,
    isChosen: isTemplate(addressOf(at.options)),
    size,
    ...(broker === 'rabbitmq' && expiresAt !== undefined && { expiresAt }),
  }
}

/** RabbitMQ's timers hold no more (ms), and it closes the connection at more. */
const longestExpiration = 2 ** 32 - 1

/** Milliseconds until then; at least 1, since none is no time to live at all. Nothing where the broker cannot count as far. */
export function expirationOf(expiresAt: number | undefined): string | undefined {
  if (expiresAt === undefined) return undefined
  const left = Math.max(1, Math.round(expiresAt - Date.now()))
  return left <= longestExpiration ? String(left) : undefined
}

/** What the broker takes unless it was told otherwise: ActiveMQ's maxDataLength, RabbitMQ 4's stomp.max_frame_size. */
export const maxSizeOf = (isRabbit4: boolean, { max_message_size }: SinkOptions): number =>
  max_message_size ?? (isRabbit4 ? 4 : 100) * 1024 * 1024

/** As it is written: a template, or one fixed place. */
export const addressOf = ({ queue, topic, address }: Place): string => queue ?? topic ?? address!

interface WireBody {
  readonly body: string | Uint8Array
  readonly note: BodyNote
  readonly more: readonly (readonly [string, string])[]
}

/**
 * ActiveMQ and Artemis take a body without `content-length` for a TextMessage, and one with it for a BytesMessage. Text
 * with NUL needs it all the same: `amq-msg-type` keeps it a TextMessage on ActiveMQ; Artemis does not read that.
 */
function bodyOf(broker: Broker, body: Body): WireBody {
  const knowsText = broker !== 'rabbitmq'
  if (body.kind === 'text' && body.text.isWellFormed() && knowsText) {
    if (!body.text.includes('\0')) return { body: body.text, note: {}, more: [] }
    const more = [...lengthOf(Buffer.byteLength(body.text)), ['amq-msg-type', 'text'] as const]
    return { body: body.text, note: { body: 'text' }, more }
  }
  const { bytes, note } = bodyAsBytes(body)
  const isText = knowsText && body.kind !== 'bytes' && body.kind !== 'object'
  return { body: bytes, note, more: isText ? [] : lengthOf(bytes.length) }
}

const lengthOf = (bytes: number) => [['content-length', String(bytes)] as const]

/** Text all of them, with the types beside them, since STOMP knows no others. */
function headersOf(broker: Broker, version: Version, headers: Headers) {
  const lines: (readonly [string, string])[] = []
  let types: Record<string, string> | undefined
  for (const name in headers) {
    const wire = wireName(name)
    checkName(broker, version, wire)
    const { text, type } = headerAsText(headers[name]!, t => takesText(version, t))
    lines.push([wire, text])
    if (type !== undefined) {
      types ??= Object.create(null) as Record<string, string>
      types[wire] = type
    }
  }
  return { lines, types }
}

/** The longest name of a header in a table of AMQP 0-9-1, which RabbitMQ makes of them. */
const maxRabbitName = 255

function checkName(broker: Broker, version: Version, name: string): void {
  const refuse = (why: string) => {
    throw new MessageRefused(`STOMP cannot carry the header ${JSON.stringify(name)}: ${why}`)
  }
  if (!takesText(version, name)) refuse('its name has characters that a header cannot have')
  if (version === '1.0' && name.includes(':')) refuse('STOMP 1.0 has no colons in names')
  if (name === '__proto__') refuse('this name cannot be carried')
  if (broker === 'rabbitmq' && Buffer.byteLength(name) > maxRabbitName) {
    refuse(`RabbitMQ takes names of ${maxRabbitName} bytes`)
  }
}

function delayOf(broker: Broker, { delay, deduplicationId }: Properties): readonly [string, string][] {
  const more: [string, string][] = []
  if (delay !== undefined) {
    if (broker !== 'activemq' && broker !== 'artemis') {
      throw new MessageRefused(
        `the message has a delay of ${delay} ms, and ${broker === 'rabbitmq' ? 'RabbitMQ' : 'a broker that does not name itself (broker: on the connection)'} does not delay messages over STOMP`,
      )
    }
    more.push(['AMQ_SCHEDULED_DELAY', String(Math.max(0, Math.round(delay)))])
  }
  if (broker === 'artemis' && deduplicationId !== undefined && takesText('1.0', deduplicationId)) {
    more.push(['_AMQ_DUPL_ID', deduplicationId])
  }
  return more
}

/** ActiveMQ's StompWireFormat: more of either ends the connection. Two lines are to come: receipt and the end. */
const maxLine = 10_240
const maxLines = 1_000

function checkActiveMq(head: string): void {
  const lines = head.split('\n')
  if (lines.length > maxLines) {
    throw new MessageRefused(
      `the message has ${lines.length} headers as STOMP counts them, and ActiveMQ takes ${maxLines}`,
    )
  }
  for (const line of lines) {
    if (line.length * 3 <= maxLine) continue
    const size = Buffer.byteLength(line)
    if (size > maxLine) {
      const name = line.slice(0, line.indexOf(':'))
      throw new MessageRefused(
        `the header ${name} has ${size} bytes as STOMP writes it, and ActiveMQ takes ${maxLine}`,
      )
    }
  }
}
