import { MessageRefused } from '../../../core/errors.ts'
import type { Headers, Message } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'
import { headerAsText } from '../carriage/headers.ts'
import { attributesIn, dataOf, prefix } from './binary.ts'
import {
  type Attribute,
  attributeOf,
  type CloudEvent,
  checked,
  isCore,
  isString,
  isTrace,
  timeOf,
} from './event.ts'

/** What the configuration says of events that are made here. */
export interface Made {
  readonly route: string
  readonly source?: string | undefined
  readonly type?: string | undefined
}

/**
 * The event that a message becomes which is none. Headers of the name `cloudEvents_<attribute>` say what it has; for the rest
 * the id is the message's or else the delivery's, the type its subject or else what the configuration says, the time that of its creation.
 * Other headers are extensions where name and value allow it, and stand beside the event where they do not.
 */
export function made(message: Message, options: Made): CloudEvent {
  const { properties } = message
  const given = attributesIn(message.headers, prefix)
  const attributes = new Map<string, Attribute>()
  const set = (name: string, value: string) => attributes.set(name, { type: 'string', value })
  set('specversion', '1.0')
  const own = (name: string, otherwise: () => string): void => {
    const attribute = given.attributes.get(name)
    if (attribute) attributes.set(name, attribute)
    else set(name, otherwise())
  }
  own('id', () => idOf(message))
  own('source', () => options.source ?? sourceOf(message, options.route))
  own('type', () => typeOf(message, options.type))
  const time = properties.createdAt === undefined ? undefined : timeOf(properties.createdAt)
  if (time !== undefined) set('time', time)
  for (const [name, attribute] of given.attributes) attributes.set(name, attribute)
  const data = dataOf(message, attributes)
  const beside = withExtensions(attributes, given.beside)
  return { attributes: checked(attributes), ...data, beside }
}

/** Adds headers that can be extensions to the attributes, and returns those that cannot. */
function withExtensions(attributes: Map<string, Attribute>, headers: Headers): Headers {
  const beside: [string, Value][] = []
  for (const [name, value] of Object.entries(headers)) {
    const attribute = attributeOf(value)
    const isExtension =
      /^[a-z0-9]{1,20}$/.test(name) &&
      name !== 'data' &&
      !isCore(name) &&
      !attributes.has(name) &&
      attribute !== undefined &&
      isSayable(attribute)
    if (isExtension) attributes.set(name, attribute)
    if (!isExtension || isTrace(name)) beside.push([name, value])
  }
  return Object.fromEntries(beside)
}

/** Does the specification have this value? Integers have 32 bits there. */
function isSayable(attribute: Attribute): boolean {
  if (attribute.type === 'int64') return BigInt.asIntN(32, attribute.value) === attribute.value
  return attribute.type !== 'string' || isString(attribute.value)
}

function idOf({ properties: { messageId, deduplicationId } }: Message): string {
  const id = messageId && headerAsText(messageId, isString).text
  const found = [id, deduplicationId].find(isText)
  if (found !== undefined) return found
  throw new MessageRefused('the message has no id for a CloudEvent: set deduplication_id in the mapping')
}

/** `/sluice/<route>/<address>`. */
function sourceOf({ origin, address }: Message, route: string): string {
  const segments = [route, ...(origin ?? address).split('/')]
  return `/sluice/${segments.map(s => encodeURIComponent(s.toWellFormed())).join('/')}`
}

function typeOf({ properties: { subject } }: Message, configured: string | undefined): string {
  const found = [subject, configured].find(isText)
  if (found !== undefined) return found
  throw new MessageRefused(
    'the message has no subject that could be the type of a CloudEvent: write `cloudevents: { type: … }` at the target, or set subject in the mapping',
  )
}

const isText = (text: string | undefined): text is string =>
  text !== undefined && text !== '' && isString(text)
