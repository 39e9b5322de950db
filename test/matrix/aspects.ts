import type { Body, Headers, Properties } from '../../src/core/message.ts'
import { nothing, text, type Value } from '../../src/core/value.ts'

/** One thing that a message can have, and that is followed from broker to broker. */
export interface Aspect {
  readonly id: string
  readonly group: 'body' | 'header' | 'name' | 'property'
  /** As the page calls it. */
  readonly title: string
  readonly body?: Body
  /** Of a `header` or `name`: the one header. */
  readonly header?: { readonly name: string; readonly value: Value }
  readonly properties?: Properties
}

const n = (
  type: 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32' | 'float32' | 'float64',
  value: number,
) => ({ type, value }) as const
const bytes = (...octets: number[]): Value => ({ type: 'bytes', value: Buffer.from(octets) })
const raw = (type: 'decimal32' | 'decimal64' | 'decimal128', digits: string): Value => ({
  type,
  value: Buffer.from(digits, 'hex'),
})

/** Milliseconds that whole seconds cannot say. */
export const moment = 1_700_000_000_123
/** In whole seconds, so that a time to live can say it. */
export const expiry = (Math.floor(Date.now() / 1000) + 7_200) * 1000
const javaObject = Buffer.from('aced00057400026f6b', 'hex')

/** Values of every type, by the id of their aspect. */
export const values = {
  null: nothing,
  bool: { type: 'bool', value: true },
  int8: n('int8', -5),
  int16: n('int16', -500),
  int32: n('int32', 5),
  int64: { type: 'int64', value: 2n ** 62n + 1n },
  uint8: n('uint8', 200),
  uint16: n('uint16', 60_000),
  uint32: n('uint32', 4_000_000_000),
  uint64: { type: 'uint64', value: 2n ** 64n - 1n },
  float32: n('float32', 1.5),
  float64: n('float64', 5),
  tiny: n('float64', 1e-7),
  nan: n('float64', Number.NaN),
  minusZero: n('float64', -0),
  string: text('Grüße'),
  emoji: text('😀'),
  empty: text(''),
  controls: text('a\n\r\\:b'),
  nul: text('a\0b'),
  symbol: { type: 'symbol', value: 'sym' },
  char: { type: 'char', value: '😀' },
  uuid: { type: 'uuid', value: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6' },
  decimal: { type: 'decimal', value: '12.34' },
  decimal32: raw('decimal32', '32000007'),
  decimal64: raw('decimal64', '3200000000000007'),
  decimal128: raw('decimal128', '32000000000000000000000000000007'),
  bytes: bytes(0, 255),
  noBytes: bytes(),
  seconds: { type: 'timestamp', value: 1_700_000_000_000 },
  timestamp: { type: 'timestamp', value: moment },
  list: { type: 'list', value: [n('int32', 1), text('x'), nothing] },
  map: { type: 'map', value: [[text('a'), n('int16', 7)]] },
} satisfies Record<string, Value>

export type ValueId = keyof typeof values

const titles: Partial<Record<ValueId, string>> = {
  float64: 'float64, whole',
  tiny: 'float64, tiny',
  nan: 'float64, NaN',
  minusZero: 'float64, -0',
  emoji: 'string above U+FFFF',
  empty: 'string, empty',
  controls: 'string, escaped somewhere',
  nul: 'string with NUL',
  noBytes: 'bytes, empty',
  seconds: 'timestamp in whole seconds',
  timestamp: 'timestamp with milliseconds',
}

const headers = (Object.keys(values) as ValueId[]).map(
  (id): Aspect => ({
    id: `header.${id}`,
    group: 'header',
    title: titles[id] ?? id,
    header: { name: `h_${id}`, value: values[id] },
  }),
)

/** What no body of a map has beside: AMQP 0-9-1's own decimals. */
const every = Object.entries(values)
  .filter(([id]) => id !== 'decimal')
  .map(([id, value]) => [text(id), value as Value] as const)

const bodies: readonly (readonly [id: string, title: string, body: Body])[] = [
  ['text', 'text', { kind: 'text', text: 'Grüße 😀' }],
  ['textNul', 'text with NUL', { kind: 'text', text: 'a\0b' }],
  ['textEmpty', 'text, empty', { kind: 'text', text: '' }],
  ['bytesText', 'bytes that are UTF-8', { kind: 'bytes', bytes: Buffer.from('{"a":1}') }],
  ['bytes', 'bytes that are no text', { kind: 'bytes', bytes: Buffer.of(0, 255, 254) }],
  ['bytesEmpty', 'bytes, empty', { kind: 'bytes', bytes: Buffer.alloc(0) }],
  [
    'map',
    'map',
    {
      kind: 'map',
      entries: [
        [text('a'), n('int32', 1)],
        [text('b'), n('int16', 2)],
      ],
    },
  ],
  ['mapEvery', 'map of every type', { kind: 'map', entries: every }],
  ['mapKeys', 'map whose keys are no strings', { kind: 'map', entries: [[n('int32', 1), text('x')]] }],
  ['list', 'list', { kind: 'list', items: [n('int32', 1), text('x'), { type: 'bool', value: true }] }],
  ['listEvery', 'list of every type', { kind: 'list', items: every.map(([, value]) => value) }],
  ['object', 'serialised Java object', { kind: 'object', bytes: javaObject }],
  ['none', 'no body', { kind: 'none' }],
]

const names: readonly (readonly [id: string, title: string, name: string])[] = [
  ['space', 'with a space', 'a b'],
  ['colon', 'with a colon', 'a:b'],
  ['dash', 'with dash and period', 'x-a.b'],
  ['unicode', 'not ASCII', 'Straße'],
  ['dollar', 'as Java may have it', 'net$price'],
  ['traceparent', '`traceparent`', 'traceparent'],
  ['tracestate', '`tracestate`', 'tracestate'],
  ['long', 'of 200 characters', 'n'.repeat(200)],
  ['longer', 'of 300 characters', 'n'.repeat(300)],
]

const properties: readonly (readonly [id: string, title: string, properties: Properties])[] = [
  ['messageId', 'messageId', { messageId: text('m-1') }],
  ['messageIdNumber', 'messageId, uint64', { messageId: { type: 'uint64', value: 7n } }],
  ['correlationId', 'correlationId', { correlationId: text('c-1') }],
  ['correlationIdNumber', 'correlationId, uint64', { correlationId: { type: 'uint64', value: 7n } }],
  ['correlationIdUuid', 'correlationId, uuid', { correlationId: values.uuid as Value }],
  ['correlationIdBytes', 'correlationId, bytes', { correlationId: values.bytes }],
  ['replyTo', 'replyTo', { replyTo: 'answers' }],
  ['contentType', 'contentType', { contentType: 'application/json' }],
  ['contentEncoding', 'contentEncoding', { contentEncoding: 'gzip' }],
  ['subject', 'subject', { subject: 'order' }],
  ['groupId', 'groupId', { groupId: 'g-1' }],
  ['groupSequence', 'groupSequence', { groupSequence: 9 }],
  ['priority', 'priority', { priority: 7 }],
  ['durable', 'durable', { durable: true }],
  ['notDurable', 'durable: false', { durable: false }],
  ['expiresAt', 'expiresAt', { expiresAt: expiry }],
  ['createdAt', 'createdAt', { createdAt: moment }],
  ['userId', 'userId', { userId: text('alice') }],
  ['userIdBytes', 'userId, bytes', { userId: { type: 'bytes', value: Buffer.from('alice') } }],
  ['appId', 'appId', { appId: 'billing' }],
  ['trail', 'trail', { trail: 'elsewhere/route' }],
]

export const aspects: readonly Aspect[] = [
  ...bodies.map(([id, title, body]): Aspect => ({ id: `body.${id}`, group: 'body', title, body })),
  ...headers,
  ...names.map(
    ([id, title, name]): Aspect => ({
      id: `name.${id}`,
      group: 'name',
      title,
      header: { name, value: text('x') },
    }),
  ),
  ...properties.map(
    ([id, title, own]): Aspect => ({ id: `property.${id}`, group: 'property', title, properties: own }),
  ),
]

/** A message that shows some aspects. */
export interface Specimen {
  readonly id: string
  readonly aspects: readonly Aspect[]
  readonly body: Body
  readonly headers: Headers
  readonly properties: Properties
}

/** The header by which a specimen is known, wherever it arrives; where there are no headers, the topic ends in it. */
export const specimenName = 'specimen'

const plain: Body = { kind: 'text', text: 'x' }

function specimen(id: string, shownHere: readonly Aspect[]): Specimen {
  return {
    id,
    aspects: shownHere,
    body: shownHere.find(a => a.body)?.body ?? plain,
    headers: Object.fromEntries(
      shownHere.flatMap(({ header }) => (header ? [[header.name, header.value] as const] : [])),
    ),
    properties: Object.assign({}, ...shownHere.map(a => a.properties)),
  }
}

/** SQS takes ten attributes: a specimen's own name and `sluice_properties` are two. */
const together = 8

/** The aspects as few messages as they fit in: headers together, properties as far as they are different ones, others alone. */
export function specimensOf(shownHere: readonly Aspect[]): readonly Specimen[] {
  const alone = shownHere.filter(a => a.group === 'body' || a.group === 'name')
  const packed = shownHere.filter(a => a.group === 'header')
  const specimens = alone.map(a => specimen(a.id, [a]))
  for (let i = 0; i < packed.length; i += together) {
    specimens.push(specimen(`headers-${i / together}`, packed.slice(i, i + together)))
  }
  let left = shownHere.filter(a => a.group === 'property')
  for (let i = 0; left.length > 0; i++) {
    const names = new Set<string>()
    const now = left.filter(({ properties: own = {} }) => {
      const [name] = Object.keys(own)
      return names.size < names.add(name!).size
    })
    specimens.push(specimen(`properties-${i}`, now))
    left = left.filter(a => !now.includes(a))
  }
  return specimens
}
