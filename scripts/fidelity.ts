import { type Aspect, aspects } from '../test/matrix/aspects.ts'
import { shown, shownBody } from '../test/matrix/show.ts'
import { type Cell, cellOf, readOtherwise, sayable, type VariantKey } from '../test/matrix/table.ts'

/** `docs/fidelity.md`, from the table that the matrix test compares with. */
export const fidelityPage = (made: string): string =>
  [
    '# What arrives',
    made,
    intro,
    '## Bodies',
    bodyText,
    table('body', [...columns, only311]),
    '## Headers',
    headerText,
    keptTable(),
    headerDetails,
    table('header', columns),
    nameText,
    table('name', columns),
    '## Properties',
    propertyText,
    table('property', columns),
    '## Back again',
    backText,
    ...backExceptions(),
    '## What a sender can say',
    senderText,
    senders(),
    '',
  ].join('\n\n')

interface Column {
  readonly title: string
  readonly variants: Partial<Record<VariantKey, string>>
}

const columns: readonly Column[] = [
  {
    title: 'AMQP 1.0',
    variants: {
      'amqp10-activemq': 'ActiveMQ',
      'amqp10-artemis': 'Artemis',
      'amqp10-rabbitmq4': 'RabbitMQ 4',
    },
  },
  { title: 'AMQP 0-9-1', variants: { amqp091: 'RabbitMQ' } },
  { title: 'MQTT 5', variants: { mqtt5: '' } },
  {
    title: 'STOMP',
    variants: { 'stomp-activemq': 'ActiveMQ', 'stomp-artemis': 'Artemis', 'stomp-rabbitmq4': 'RabbitMQ' },
  },
  { title: 'SQS', variants: { sqs: '' } },
  { title: 'SNS', variants: { sns: '' } },
]

const only311: Column = { title: 'MQTT 3.1.1', variants: { mqtt311: '' } }

const variantsOf = ({ variants }: Column) => Object.entries(variants) as [VariantKey, string][]

function table(group: Aspect['group'], among: readonly Column[]): string {
  const rows = aspects
    .filter(a => a.group === group)
    .map(a => `| ${[sentText(a), ...among.map(column => columnText(a, column))].join(' | ')} |`)
  const head = ['sent', ...among.map(c => c.title)]
  return [`| ${head.join(' | ')} |`, `| ${head.map(() => '---').join(' | ')} |`, ...rows].join('\n')
}

/** Longer values are told by their title alone. */
function sentText({ title, body, header, group }: Aspect): string {
  if (group === 'property' || group === 'name') return title
  const value = body ? shownBody(body) : header ? shown(header.value) : ''
  return value === title || value.length > 60 ? title : `${title}<br>${code(value)}`
}

/** One text where all brokers agree; else the one of most brokers, and then the others by name. */
function columnText({ id }: Aspect, column: Column): string {
  const byText = new Map<string, string[]>()
  for (const [key, broker] of variantsOf(column)) {
    const text = cellText(cellOf(id, key))
    byText.set(text, [...(byText.get(text) ?? []), broker])
  }
  const [most, ...others] = [...byText].toSorted(([, a], [, b]) => b.length - a.length)
  return [most![0], ...others.map(([text, brokers]) => `${brokers.join(', ')}: ${text}`)].join('<br>')
}

function cellText({ seen, said, refused }: Cell): string {
  if (refused) return '**refused**'
  if (said !== undefined) return said
  return seen.startsWith('`') || seen === 'gone' ? seen : code(seen)
}

const code = (text: string): string => `\`${text.replaceAll('|', '\\|')}\``

const titleOf = ({ group, title }: Aspect): string =>
  group === 'name' ? `a header's name ${title}` : group === 'property' ? title : `${group} ${title}`

const every = [...columns, only311].flatMap(column =>
  variantsOf(column).map(([key, broker]) => ({
    key,
    name: broker === '' ? column.title : `${column.title} on ${broker}`,
  })),
)

/** What is not the same when Sluice reads back what it has sent; MQTT 3.1.1, where that is nearly all, has its own sentence. */
function backExceptions(): string[] {
  const sentences = every
    .filter(({ key }) => key !== 'mqtt311')
    .flatMap(({ key, name }) =>
      aspects.flatMap(aspect => {
        const { back } = cellOf(aspect.id, key)
        return back === undefined ? [] : [`- ${name}: ${titleOf(aspect)} comes back as ${code(back)}.`]
      }),
    )
  return sentences.length === 0 ? [] : [sentences.join('\n')]
}

/** Types by the names that protocols have for them, where those are others. */
const ownNames: Readonly<Record<string, string>> = {
  boolean: 'bool',
  Boolean: 'bool',
  byte: 'int8',
  short: 'int16',
  int: 'int32',
  long: 'int64',
  ubyte: 'uint8',
  ushort: 'uint16',
  uint: 'uint32',
  ulong: 'uint64',
  float: 'float32',
  double: 'float64',
  binary: 'bytes',
  Binary: 'bytes',
  String: 'string',
  void: 'null',
  array: 'list',
  table: 'map',
}

/** Can a consumer tell the type that the header had, by what it sees? */
function isKept({ id, header }: Aspect, key: VariantKey): boolean {
  const { seen } = cellOf(id, key)
  const [type = '', label] = seen.startsWith('"') ? ['string'] : seen.split(' ', 1)[0]!.split('.')
  const name = label ?? type
  if ((ownNames[name] ?? name) !== header?.value.type) return false
  return type !== 'string' || seen.endsWith(JSON.stringify('value' in header.value ? header.value.value : ''))
}

/** Which types are kept, by protocol and broker; brokers that agree share a row. */
function keptTable(): string {
  const headers = aspects.filter(a => a.group === 'header')
  const titles = (some: readonly Aspect[]) => some.map(a => a.title).join('; ') || '-'
  const rows = new Map<string, string[]>()
  for (const { key, name } of every) {
    if (key === 'mqtt311') continue
    const kept = headers.filter(a => isKept(a, key))
    const row = `${titles(kept)} | ${titles(headers.filter(a => !kept.includes(a)))}`
    rows.set(row, [...(rows.get(row) ?? []), name])
  }
  return [
    '| to | the type is kept | another type, and a note that restores it |',
    '| --- | --- | --- |',
    ...Array.from(rows, ([row, names]) => `| ${names.join(', ')} | ${row} |`),
  ].join('\n')
}

function senders(): string {
  const rows = every
    .filter(({ key }) => aspects.some(a => sayable(key, a.id)))
    .map(({ key, name }) => {
      const said = aspects.filter(a => sayable(key, a.id))
      const exact = said.filter(a => readOtherwise(key, a.id) === undefined)
      const changed = said.filter(a => !exact.includes(a))
      const group = (which: Aspect['group']) =>
        exact
          .filter(a => a.group === which)
          .map(a => a.title)
          .join('; ') || '-'
      const others = changed.map(a => `${titleOf(a)}: ${code(readOtherwise(key, a.id)!)}`).join('<br>')
      return `| ${[name, group('body'), group('header'), group('property'), others].join(' | ')} |`
    })
  return [
    '| sender | bodies | headers | properties | read otherwise |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

const intro = `Messages keep their body, headers and properties from any protocol to any other, as far as the protocols allow. This
page says what a consumer of the target sees that is not Sluice. Each cell has been seen: \`npm test\` carries everything
below over every ordered pair of protocols, on real brokers and an emulator of SQS and SNS, and compares with these tables.

For a pair, look twice: what a sender of the source's protocol can say stands at the end of the page, and how that arrives
in the target's column. In the cells, \`gone\` is not carried, and **refused** is not sent: the message becomes a dead letter, whose
reason names what is wrong. Nothing else is lost, and nothing is dropped without a word.

What a protocol has no place for stands in one more header, \`sluice_properties\`: JSON with the properties that have none, and
with notes that restore the types of headers and the kind of the body. Consumers may ignore it. A later route of Sluice
reads it, so that two bridges one behind the other change nothing.`

const bodyText = `Text and bytes arrive as the target's own. Maps, lists and JMS objects travel natively over AMQP 1.0. Elsewhere, maps and lists are JSON
as people write it, bytes in base64 and times in ISO 8601; a map whose keys are no strings is JSON that names types
(\`{"int32":1}\`). SQS and SNS take text only: bytes that are none are base64, and an empty body is one blank. Under STOMP, \`text\`
has no \`content-length\` and \`bytes\` has one, which Artemis and RabbitMQ write for text too; under MQTT 5, \`text\` says so itself
(Payload Format Indicator).`

const headerText = `A header keeps its type where the protocol has it, and becomes text where it has not. Lists, maps and null are JSON that names types
where they cannot be headers. MQTT 3.1.1 has no headers: none arrive there. What a sender of SQS or SNS writes behind the point of a
data type is read where it is one of those that stand here, and else not kept (\`String.url\` becomes \`String\`).`

const headerDetails = 'As a consumer sees each:'

const nameText = `The names of headers stay as they are. Only those that a broker would take for its own have \`sluice_\` before them over AMQP
0-9-1 (\`CC\`, \`x-death\`), and \`sluice_header_\` over STOMP (\`destination\`, \`JMSPriority\`) and, on ActiveMQ and Artemis, over AMQP 1.0
(\`JMSXGroupID\`, \`AMQ_SCHEDULED_DELAY\`). A mapping that sets the property instead (\`group_id\`, \`priority\`, \`delay\`) has the broker's own.

SQS and SNS take ten attributes, one of which is \`sluice_properties\`. Headers beyond that, and
those whose names cannot be attributes, stand in one more, \`sluice_headers\`: JSON by name, with types. The target's
\`attributes: { order: […] }\` says which are attributes all the same, \`overflow: refuse\` that such a message is not sent. Any other name
that a target does not take refuses the message; a mapping can give it another. With \`format: jms\` a queue of SQS has what the
Amazon SQS Java Messaging Library reads: what that has no word for is refused, or stands in \`sluice_properties\`.`

const propertyText = `\`expiresAt\` becomes the time that is left to live, \`trail\` is the routes that a message has passed. MQTT 3.1.1 has none of these but
\`durable\`, which is its QoS. The \`messageId\` of STOMP on ActiveMQ and Artemis and the time of sending there are the broker's own.
RabbitMQ confirms over STOMP only what is persistent, so that everything is, and a reply address that it would misread stands in
\`sluice_properties\` alone.`

const backText = `When Sluice reads what it has sent, from any of these protocols but MQTT 3.1.1, everything is exactly what it was: kind of body, types of
headers, properties. From MQTT 3.1.1, the body comes back as bytes, without headers and properties; so two routes in opposite directions
need addresses that do not overlap there. MQTT 3.1.1 refuses text with half a surrogate pair, since nothing there could say what it was.

What a message does not say, somebody on the way may say for it:

- A message that does not say whether it is \`durable\` is, except from SQS and SNS.
- SQS, SNS, and over STOMP ActiveMQ and Artemis, give a message that has none a \`messageId\` and a \`createdAt\`.
- Over STOMP, ActiveMQ and Artemis give a message that has none the \`priority\` 4.
- ActiveMQ with \`transport.transformer=jms\` gives a message that has none a \`messageId\`. It does not tell the \`priority\` 4,
  which messages without one have, and does not keep the order of the keys of a map.
- A serialised Java object without a \`contentType\` has that of JMS when it comes by AMQP 1.0.

\`npm test\` carries generated messages over every ordered pair as well, with any body, headers and properties and with odd names and
values: they are what they were, but for this section, or dead letters for the reasons given above.`

const senderText = `What a client that is not Sluice can say in each protocol, and Sluice reads exactly. The last column is what it reads as something else.`
