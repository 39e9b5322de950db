/**
 * What becomes of everything that a message can have, by protocol and broker. It is the one source of two things: the matrix
 * test, which carries it all and compares, and docs/fidelity.md.
 */
export const variantKeys = [
  'amqp10-activemq',
  'amqp10-artemis',
  'amqp10-rabbitmq4',
  'amqp091',
  'mqtt5',
  'mqtt311',
  'stomp-activemq',
  'stomp-artemis',
  'stomp-rabbitmq4',
  'sqs',
  'sns',
] as const

export type VariantKey = (typeof variantKeys)[number]

/** What is sent to a protocol, as it arrives there. */
export interface Cell {
  /** What a client sees that is not Sluice, as it is compared. */
  readonly seen: string
  /** The same for people, where that is too long. */
  readonly said?: string
  /** What Sluice reads back there; exactly what was sent where this is absent. */
  readonly back?: string
  /** It is not sent at all but dead-lettered, and the reason says this. */
  readonly refused?: RegExp
}

type Written = string | Cell
const gone = 'gone'
const carried = '`sluice_properties`'
const cell = (written: Written): Cell => (typeof written === 'string' ? { seen: written } : written)

/** Of the brokers of a protocol the one that is named last counts: `stomp` stands for all three, `activemq` and `artemis` for AMQP 1.0 there. */
interface Row {
  readonly amqp10: Written
  readonly activemq?: Written
  readonly artemis?: Written
  readonly amqp091: Written
  readonly mqtt5: Written
  readonly mqtt311: Written
  readonly stomp: Written
  readonly stompActivemq?: Written
  readonly stompArtemis?: Written
  readonly stompRabbitmq?: Written
  readonly sqs: Written
  readonly sns?: Written
}

/** On both brokers that hand messages on to JMS clients. */
const jms = (written: Written) => ({ activemq: written, artemis: written })

const spread = (row: Row): Record<VariantKey, Cell> => ({
  'amqp10-activemq': cell(row.activemq ?? row.amqp10),
  'amqp10-artemis': cell(row.artemis ?? row.amqp10),
  'amqp10-rabbitmq4': cell(row.amqp10),
  amqp091: cell(row.amqp091),
  mqtt5: cell(row.mqtt5),
  mqtt311: cell(row.mqtt311),
  'stomp-activemq': cell(row.stompActivemq ?? row.stomp),
  'stomp-artemis': cell(row.stompArtemis ?? row.stomp),
  'stomp-rabbitmq4': cell(row.stompRabbitmq ?? row.stomp),
  sqs: cell(row.sqs),
  sns: cell(row.sns ?? row.sqs),
})

/** A body that MQTT and AMQP 0-9-1 have as these bytes, and that comes back from MQTT 3.1.1 as nothing more. */
const body = (
  amqp10: Written,
  octets: string,
  others: Partial<Row> & { readonly mqtt: 'text' | 'bytes'; readonly stomp: Written },
): Record<VariantKey, Cell> =>
  spread({
    amqp10,
    amqp091: octets,
    mqtt5: others.mqtt === 'text' ? `text ${octets}` : octets,
    mqtt311: { seen: octets, back: `bytes ${octets}` },
    sqs: octets,
    ...others,
  })

/** The rest has only one of STOMP's brokers by text. */
const textOnActivemq = (octets: string) => ({
  stomp: `text ${octets}`,
  stompArtemis: `bytes ${octets}`,
  stompRabbitmq: `bytes ${octets}`,
})

/** As JSON, of which the page tells no more than that. */
const json = (seen: string): string => JSON.stringify(seen)
const long = (seen: string, said: string, more: Partial<Cell> = {}): Cell => ({ seen, said, ...more })

/** Every type but decimal, as plain JSON, by the name of its type. */
const everyJson: readonly (readonly [name: string, json: string])[] = [
  ['null', 'null'],
  ['bool', 'true'],
  ['int8', '-5'],
  ['int16', '-500'],
  ['int32', '5'],
  ['int64', '4611686018427387905'],
  ['uint8', '200'],
  ['uint16', '60000'],
  ['uint32', '4000000000'],
  ['uint64', '18446744073709551615'],
  ['float32', '1.5'],
  ['float64', '5'],
  ['tiny', '1e-7'],
  ['nan', '"NaN"'],
  ['minusZero', '-0'],
  ['string', '"Grüße"'],
  ['emoji', '"😀"'],
  ['empty', '""'],
  ['controls', '"a\\n\\r\\\\:b"'],
  ['nul', '"a\\u0000b"'],
  ['symbol', '"sym"'],
  ['char', '"😀"'],
  ['uuid', '"f81d4fae-7dec-11d0-a765-00a0c91e6bf6"'],
  ['decimal32', '"MgAABw=="'],
  ['decimal64', '"MgAAAAAAAAc="'],
  ['decimal128', '"MgAAAAAAAAAAAAAAAAAABw=="'],
  ['bytes', '"AP8="'],
  ['noBytes', '""'],
  ['seconds', '"2023-11-14T22:13:20.000Z"'],
  ['timestamp', '"2023-11-14T22:13:20.123Z"'],
  ['list', '[1,"x",null]'],
  ['map', '{"a":7}'],
]

/** The same in AMQP 1.0. */
const everyAmqp: readonly (readonly [name: string, words: string])[] = [
  ['null', 'null'],
  ['bool', 'boolean true'],
  ['int8', 'byte -5'],
  ['int16', 'short -500'],
  ['int32', 'int 5'],
  ['int64', 'long 4611686018427387905'],
  ['uint8', 'ubyte 200'],
  ['uint16', 'ushort 60000'],
  ['uint32', 'uint 4000000000'],
  ['uint64', 'ulong 18446744073709551615'],
  ['float32', 'float 1.5'],
  ['float64', 'double 5'],
  ['tiny', 'double 1e-7'],
  ['nan', 'double NaN'],
  ['minusZero', 'double -0'],
  ['string', 'string "Grüße"'],
  ['emoji', 'string "😀"'],
  ['empty', 'string ""'],
  ['controls', 'string "a\\n\\r\\\\:b"'],
  ['nul', 'string "a\\u0000b"'],
  ['symbol', 'symbol "sym"'],
  ['char', 'char "😀"'],
  ['uuid', 'uuid 0xf81d4fae7dec11d0a76500a0c91e6bf6'],
  ['decimal32', 'decimal32 0x32000007'],
  ['decimal64', 'decimal64 0x3200000000000007'],
  ['decimal128', 'decimal128 0x32000000000000000000000000000007'],
  ['bytes', 'binary 0x00ff'],
  ['noBytes', 'binary 0x'],
  ['seconds', 'timestamp 1700000000000'],
  ['timestamp', 'timestamp 1700000000123'],
  ['list', 'list [int 1, string "x", null]'],
  ['map', 'map {string "a": short 7}'],
]

const everyMap = json(`{${everyJson.map(([name, value]) => `"${name}":${value}`).join(',')}}`)
const everyList = json(`[${everyJson.map(([, value]) => value).join(',')}]`)
const everyAmqpMap = `map {${everyAmqp.map(([name, value]) => `string "${name}": ${value}`).join(', ')}}`
const everyAmqpList = `list [${everyAmqp.map(([, value]) => value).join(', ')}]`

/** Structured bodies are JSON where the protocol has no such. */
const structured = (amqp10: Written, octets: string, said: string, more: Partial<Row> = {}) =>
  body(amqp10, octets, {
    amqp091: long(octets, said),
    mqtt: 'text',
    mqtt5: long(`text ${octets}`, `text: ${said}`),
    mqtt311: long(octets, said, { back: `bytes ${octets}` }),
    stomp: long(`text ${octets}`, `text: ${said}`),
    stompArtemis: long(`bytes ${octets}`, `bytes: ${said}`),
    stompRabbitmq: long(`bytes ${octets}`, `bytes: ${said}`),
    sqs: long(octets, said),
    ...more,
  })

const typedKeys = json('{"map":[[{"int32":1},"x"]]}')
const object = '0xaced00057400026f6b'

const bodies: Record<string, Record<VariantKey, Cell>> = {
  text: body('string "Grüße 😀"', '"Grüße 😀"', { mqtt: 'text', ...textOnActivemq('"Grüße 😀"') }),
  textNul: body('string "a\\u0000b"', '0x610062', {
    mqtt: 'text',
    stomp: 'bytes 0x610062',
    sqs: long('"YQBi"', 'base64'),
  }),
  textEmpty: body('string ""', '""', { mqtt: 'text', stomp: 'text ""', sqs: '" "' }),
  bytesText: body('data "{\\"a\\":1}"', '"{\\"a\\":1}"', { mqtt: 'bytes', stomp: 'bytes "{\\"a\\":1}"' }),
  bytes: body('data 0x00fffe', '0x00fffe', {
    mqtt: 'bytes',
    stomp: 'bytes 0x00fffe',
    sqs: long('"AP/+"', 'base64'),
  }),
  bytesEmpty: body('data ""', '""', {
    mqtt: 'bytes',
    stomp: 'bytes ""',
    stompRabbitmq: 'text ""',
    sqs: '" "',
  }),
  map: structured('map {string "a": int 1, string "b": short 2}', json('{"a":1,"b":2}'), 'JSON'),
  mapEvery: structured(long(everyAmqpMap, 'map, each type kept'), everyMap, 'JSON', {
    ...jms(long(`string ${everyMap}`, 'string: JSON')),
  }),
  mapKeys: structured('map {int 1: string "x"}', typedKeys, 'JSON with types', {
    ...jms(long(`string ${typedKeys}`, 'string: JSON with types')),
    mqtt311: long(json('{"1":"x"}'), 'JSON', { back: `bytes ${json('{"1":"x"}')}` }),
  }),
  list: structured('list [int 1, string "x", boolean true]', json('[1,"x",true]'), 'JSON'),
  listEvery: structured(long(everyAmqpList, 'list, each type kept'), everyList, 'JSON', {
    ...jms(long(`string ${everyList}`, 'string: JSON')),
  }),
  object: body(`data ${object}`, object, {
    mqtt: 'bytes',
    stomp: `bytes ${object}`,
    sqs: long('"rO0ABXQAAm9r"', 'base64'),
  }),
  none: body('none', '""', { mqtt: 'bytes', stomp: 'text ""', sqs: '" "' }),
}

/** A header: MQTT 5 and STOMP know nothing but text, MQTT 3.1.1 no headers. */
const header = (
  amqp10: string,
  amqp091: string,
  text: string,
  sqs: string,
  more: Partial<Row> = {},
): Record<VariantKey, Cell> =>
  spread({
    amqp10,
    amqp091,
    mqtt5: JSON.stringify(text),
    mqtt311: { seen: gone, back: gone },
    stomp: JSON.stringify(text),
    sqs,
    ...more,
  })

const string = (text: string) => `string ${JSON.stringify(text)}`
const label = (type: string, text: string) => `String.${type} ${JSON.stringify(text)}`
const uuid = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
const typedList = '[{"int32":1},"x",null]'
const typedMap = '{"map":[["a",{"int16":7}]]}'
const raw = (bits: string, digits: string, base64: string) =>
  header(`decimal${bits} 0x${digits}`, string(base64), base64, `Binary.decimal${bits} 0x${digits}`, {
    ...jms(string(base64)),
  })
const aboveSns = (type: string, text: string) => ({ sns: label(type, text) })

const headers: Record<string, Record<VariantKey, Cell>> = {
  null: header('null', 'void', 'null', label('json', 'null')),
  bool: header('boolean true', 'bool true', 'true', 'Number.Boolean 1'),
  int8: header('byte -5', 'int8 -5', '-5', 'Number.byte -5'),
  int16: header('short -500', 'int16 -500', '-500', 'Number.short -500'),
  int32: header('int 5', 'int32 5', '5', 'Number.int 5'),
  int64: header(
    'long 4611686018427387905',
    'int64 4611686018427387905',
    '4611686018427387905',
    'Number.long 4611686018427387905',
    aboveSns('long', '4611686018427387905'),
  ),
  uint8: header('ubyte 200', 'uint8 200', '200', 'Number.uint8 200', { activemq: 'short 200' }),
  uint16: header('ushort 60000', 'uint16 60000', '60000', 'Number.uint16 60000', { activemq: 'int 60000' }),
  uint32: header('uint 4000000000', 'uint32 4000000000', '4000000000', 'Number.uint32 4000000000', {
    activemq: 'long 4000000000',
    ...aboveSns('uint32', '4000000000'),
  }),
  uint64: header(
    'ulong 18446744073709551615',
    string('18446744073709551615'),
    '18446744073709551615',
    'Number.uint64 18446744073709551615',
    { ...jms(string('18446744073709551615')), ...aboveSns('uint64', '18446744073709551615') },
  ),
  float32: header('float 1.5', 'float 1.5', '1.5', 'Number.float 1.5'),
  float64: header('double 5', 'double 5', '5', 'Number.double 5'),
  tiny: header('double 1e-7', 'double 1e-7', '1e-7', label('double', '1e-7')),
  nan: header('double NaN', string('NaN'), 'NaN', label('double', 'NaN')),
  minusZero: header('double -0', 'double -0', '-0', label('double', '-0')),
  string: header(string('Grüße'), string('Grüße'), 'Grüße', 'String "Grüße"'),
  emoji: header(string('😀'), string('😀'), '😀', 'String "😀"', aboveSns('json', '"\\ud83d\\ude00"')),
  empty: header(string(''), string(''), '', label('json', '""')),
  controls: header(string('a\n\r\\:b'), string('a\n\r\\:b'), 'a\n\r\\:b', 'String "a\\n\\r\\\\:b"', {
    mqtt5: JSON.stringify('"a\\n\\r\\\\:b"'),
  }),
  nul: header(string('a\0b'), string('a\0b'), '"a\\u0000b"', label('json', '"a\\u0000b"')),
  symbol: header('symbol "sym"', string('sym'), 'sym', label('symbol', 'sym'), { activemq: string('sym') }),
  char: header('char "😀"', string('😀'), '😀', label('char', '😀'), {
    ...jms(string('😀')),
    ...aboveSns('json', '{"char":"\\ud83d\\ude00"}'),
  }),
  uuid: header(`uuid 0x${uuid.replaceAll('-', '')}`, string(uuid), uuid, label('uuid', uuid), {
    ...jms(string(uuid)),
  }),
  decimal: header(string('12.34'), 'decimal 12.34', '12.34', 'Number.decimal 12.34'),
  decimal32: raw('32', '32000007', 'MgAABw=='),
  decimal64: raw('64', '3200000000000007', 'MgAAAAAAAAc='),
  decimal128: raw('128', '32000000000000000000000000000007', 'MgAAAAAAAAAAAAAAAAAABw=='),
  bytes: header('binary 0x00ff', 'bytes 0x00ff', 'AP8=', 'Binary 0x00ff', { activemq: string('AP8=') }),
  noBytes: header('binary 0x', 'bytes 0x', '', label('json', '{"bytes":""}'), { activemq: string('') }),
  seconds: header(
    'timestamp 1700000000000',
    'timestamp 1700000000',
    '1700000000000',
    'Number.timestamp 1700000000000',
    { ...jms('long 1700000000000'), ...aboveSns('timestamp', '1700000000000') },
  ),
  timestamp: header(
    'timestamp 1700000000123',
    string('1700000000123'),
    '1700000000123',
    'Number.timestamp 1700000000123',
    { ...jms('long 1700000000123'), ...aboveSns('timestamp', '1700000000123') },
  ),
  list: header(string(typedList), 'array [int32 1, string "x", void]', typedList, label('json', typedList)),
  map: header(string(typedMap), 'table {a: int16 7}', typedMap, label('json', typedMap)),
}

const refused = (refused: RegExp): Cell => ({ seen: 'refused', refused })
const packed = '`sluice_headers`'
const tooLong091 = refused(/a name of more than 255 bytes/)
const tooLongStomp = refused(/RabbitMQ takes names of 255 bytes/)
const kept = (more: Partial<Row> = {}) => header(string('x'), string('x'), 'x', 'String "x"', more)

const names: Record<string, Record<VariantKey, Cell>> = {
  space: kept({ sqs: packed }),
  colon: kept({ sqs: packed }),
  dash: kept(),
  unicode: kept({ sqs: packed }),
  dollar: kept({ sqs: packed }),
  traceparent: kept(),
  tracestate: kept(),
  long: kept(),
  longer: kept({ sqs: packed, amqp091: tooLong091, stompRabbitmq: tooLongStomp }),
}

/** A property: whatever has no place of its own stands in `sluice_properties`. */
const property = (own: Partial<Row>): Record<VariantKey, Cell> =>
  spread({
    amqp10: carried,
    amqp091: carried,
    mqtt5: carried,
    mqtt311: { seen: gone, back: gone },
    stomp: carried,
    sqs: carried,
    ...own,
  })

const properties: Record<string, Record<VariantKey, Cell>> = {
  messageId: property({
    amqp10: 'message-id string "m-1"',
    activemq: carried,
    amqp091: 'message-id "m-1"',
    stompRabbitmq: 'amqp-message-id:m-1',
  }),
  messageIdNumber: property({ amqp10: 'message-id ulong 7', activemq: carried, amqp091: 'message-id "7"' }),
  correlationId: property({
    amqp10: 'correlation-id string "c-1"',
    amqp091: 'correlation-id "c-1"',
    mqtt5: 'Correlation Data "c-1"',
    stomp: 'correlation-id:c-1',
  }),
  correlationIdNumber: property({
    amqp10: 'correlation-id ulong 7',
    amqp091: 'correlation-id "7"',
    mqtt5: 'Correlation Data "7"',
  }),
  correlationIdUuid: property({
    amqp10: `correlation-id uuid 0x${uuid.replaceAll('-', '')}`,
    amqp091: `correlation-id "${uuid}"`,
    mqtt5: `Correlation Data "${uuid}"`,
  }),
  correlationIdBytes: property({
    amqp10: 'correlation-id binary 0x00ff',
    amqp091: 'correlation-id "AP8="',
    mqtt5: 'Correlation Data 0x00ff',
  }),
  replyTo: property({
    amqp10: 'reply-to string "answers"',
    activemq: 'reply-to string "queue://answers"',
    amqp091: 'reply-to "answers"',
    mqtt5: 'Response Topic "answers"',
    stomp: 'reply-to:answers',
    stompRabbitmq: carried,
  }),
  contentType: property({
    amqp10: 'content-type symbol "application/json"',
    amqp091: 'content-type "application/json"',
    mqtt5: 'Content Type "application/json"',
    stomp: 'content-type:application/json',
  }),
  contentEncoding: property({
    amqp10: 'content-encoding symbol "gzip"',
    amqp091: 'content-encoding "gzip"',
    stompRabbitmq: 'content-encoding:gzip',
  }),
  subject: property({ amqp10: 'subject string "order"', amqp091: 'type "order"', stomp: 'type:order' }),
  groupId: property({
    amqp10: 'group-id string "g-1"',
    stompArtemis: '_AMQ_GROUP_ID:g-1',
    stompRabbitmq: 'JMSXGroupID:g-1',
  }),
  groupSequence: property({
    amqp10: 'group-sequence uint 9',
    stompArtemis: 'JMSXGroupSeq:9',
    stompRabbitmq: 'JMSXGroupSeq:9',
  }),
  priority: property({ amqp10: 'priority 7', amqp091: 'priority 7', stomp: 'priority:7' }),
  durable: property({
    amqp10: 'durable true',
    amqp091: 'delivery-mode 2',
    mqtt5: 'QoS 1',
    mqtt311: 'QoS 1',
    stomp: 'persistent:true',
  }),
  notDurable: property({
    amqp10: 'durable false',
    amqp091: 'delivery-mode 1',
    mqtt5: 'QoS 1',
    mqtt311: { seen: 'QoS 1', back: 'true' },
    stompArtemis: 'persistent:false',
    stompRabbitmq: 'persistent:true',
  }),
  expiresAt: property({
    amqp10: 'absolute-expiry-time',
    amqp091: 'expiration',
    mqtt5: 'Message Expiry',
    stomp: 'expires',
    stompRabbitmq: 'expiration',
  }),
  createdAt: property({
    amqp10: 'creation-time timestamp 1700000000123',
    amqp091: 'timestamp 1700000000',
  }),
  userId: property({}),
  userIdBytes: property({ amqp10: 'user-id binary 0x616c696365' }),
  appId: property({ amqp091: 'app-id "billing"', stompRabbitmq: 'app-id:billing' }),
  trail: property({ mqtt311: { seen: gone, back: gone } }),
}

const groups = { body: bodies, header: headers, name: names, property: properties }

/** What becomes of an aspect (aspects.ts) that is sent to the protocol. */
export function cellOf(aspect: string, target: VariantKey): Cell {
  const [group, id] = aspect.split('.') as [keyof typeof groups, string]
  const row = groups[group][id]
  if (!row) throw new Error(`the table has no ${aspect}`)
  if (aspect === 'property.userIdBytes' && target === 'amqp10-rabbitmq4') return { seen: carried }
  return row[target]
}

/** Everything that a sender of the protocol can say by itself, and how Sluice reads it: exactly, but for what is given here. */
type Says = Readonly<Record<string, string | undefined>>

const saying = (words: string, changed: Says = {}): Says => {
  const groupsOf = words.trim().split(/\s*;\s*/)
  const ids = groupsOf.flatMap(g => {
    const [group, ...names] = g.split(/[\s:]+/)
    return names.map(name => [`${group}.${name}`, undefined] as const)
  })
  return { ...Object.fromEntries(ids), ...changed }
}

const amqp10Words = `
  body: text textNul textEmpty bytesText bytes bytesEmpty map mapEvery mapKeys list listEvery object none;
  header: null bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 tiny nan minusZero
    string emoji empty controls nul symbol char uuid decimal32 decimal64 decimal128 bytes noBytes seconds timestamp;
  name: space colon dash unicode dollar traceparent tracestate long longer;
  property: messageId messageIdNumber correlationId correlationIdNumber correlationIdUuid correlationIdBytes replyTo
    contentType contentEncoding subject groupId groupSequence priority durable notDurable expiresAt createdAt`

const stompWords = `
  body: text textEmpty bytesText bytes bytesEmpty;
  header: string emoji empty controls;
  name: space colon dash unicode dollar traceparent tracestate long;
  property: correlationId replyTo contentType subject groupId groupSequence priority durable notDurable expiresAt`

const says: Record<VariantKey, Says> = {
  'amqp10-activemq': saying(`${amqp10Words} userIdBytes`),
  'amqp10-artemis': saying(`${amqp10Words} userIdBytes`),
  'amqp10-rabbitmq4': saying(amqp10Words),
  amqp091: saying(`
    body: bytesText bytes bytesEmpty;
    header: null bool int8 int16 int32 int64 uint8 uint16 uint32 float32 float64 tiny minusZero
      string emoji empty controls nul decimal bytes noBytes seconds list map;
    name: space colon dash unicode dollar traceparent tracestate long;
    property: messageId correlationId replyTo contentType contentEncoding subject priority durable notDurable expiresAt
      appId`),
  mqtt5: saying(`
    body: text textEmpty bytesText bytes bytesEmpty; header: string emoji empty;
    name: space colon dash unicode dollar traceparent tracestate long longer;
    property: correlationIdBytes replyTo contentType durable expiresAt`),
  mqtt311: saying('body: bytesText bytes bytesEmpty; property: durable'),
  'stomp-activemq': saying(`${stompWords}; name: longer`, {
    'property.groupId': gone,
    'property.groupSequence': gone,
    'property.notDurable': gone,
  }),
  'stomp-artemis': saying(`${stompWords}; name: longer`),
  'stomp-rabbitmq4': saying(`${stompWords} contentEncoding messageId appId`, {
    'body.text': 'bytes "Grüße 😀"',
    'body.textEmpty': 'bytes ""',
    'property.notDurable': gone,
    'property.replyTo': '"/reply-queue/answers"',
  }),
  sqs: saying(`
    body: text; header: bool int8 int16 int32 int64 float32 float64 string emoji controls decimal bytes;
    name: dash traceparent tracestate long`),
  sns: {},
}

export const sayable = (source: VariantKey, aspect: string): boolean => Object.hasOwn(says[source], aspect)

/** How Sluice reads what a sender of the protocol said, where that is not exactly the same. */
export const readOtherwise = (source: VariantKey, aspect: string): string | undefined => says[source][aspect]
