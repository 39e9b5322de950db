import mqttPacket, { type IPublishPacket } from 'mqtt-packet'
import { decode as decode10 } from '../../src/adapters/amqp10/codec.ts'
import { decode as decode091 } from '../../src/adapters/amqp091/codec.ts'
import { adapters } from '../../src/adapters/index.ts'
import { decode as decodeMqtt, sizeOf } from '../../src/adapters/mqtt/codec.ts'
import { pointerIn } from '../../src/adapters/shared/aws/claim-check.ts'
import { parseNotification } from '../../src/adapters/shared/aws/notification.ts'
import { packedName } from '../../src/adapters/shared/aws/packed.ts'
import { propertiesName } from '../../src/adapters/shared/carriage/properties.ts'
import { readStructured } from '../../src/adapters/shared/cloudevents/structured.ts'
import { decode as decodeSqs } from '../../src/adapters/sqs/codec.ts'
import type { SqsSourceOptions } from '../../src/adapters/sqs/options.ts'
import { decodeMessage, stableId } from '../../src/adapters/stomp/message.ts'
import { FrameParser } from '../../src/adapters/stomp/parser.ts'
import { loadText } from '../../src/config/load.ts'
import { ConfigInvalid } from '../../src/config/problem.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { FieldWrong } from '../../src/route/dead-letter/fields.ts'
import { deadLetterOf, readRecord, recordMessage } from '../../src/route/dead-letter/record.ts'
import { decoded, encoded } from '../../test/route/on-bodies.ts'
import { capture, configurations, properties091, texts, transfers10 } from './seeds.ts'

/** A reader of what others wrote. */
export interface FuzzTarget {
  readonly name: string
  readonly seeds: () => readonly Buffer[]
  readonly read: (input: Buffer) => void
  /** What it may throw; the rest is a crash. */
  readonly refuses?: (error: unknown) => boolean
}

const refused = (error: unknown) => error instanceof MessageRefused
/** A sentence, and not what JavaScript throws by itself. */
const said = (error: unknown) => error instanceof Error && error.constructor === Error

const optionsOf = (protocol: string, written: object) =>
  adapters.find(a => a.protocol === protocol)!.source!.options.parse(written)

const bodyOf = (bytes: Buffer): Message => ({
  address: 'q',
  body: { kind: 'text', text: bytes.toString() },
  properties: { contentType: 'application/cloudevents+json' },
  headers: {},
})

/** A message of SQS whose body and attributes are parts of the input. */
function received(input: Buffer) {
  const text = input.toString()
  const [Body = '', notes = '', packed = '', type = '', trace = ''] = text.split('\u0001')
  const attribute = (StringValue: string) => ({ DataType: type.slice(0, 20), StringValue })
  return {
    MessageId: 'm',
    Body,
    Attributes: { SentTimestamp: trace, AWSTraceHeader: trace, MessageGroupId: trace },
    MessageAttributes: {
      [propertiesName]: { DataType: 'String', StringValue: notes },
      [packedName]: { DataType: 'String', StringValue: packed },
      JMS_SQSMessageType: { DataType: 'String', StringValue: type },
      own: attribute(notes),
      binary: { DataType: 'Binary', BinaryValue: packed },
    },
  }
}
const sqsSeeds = () =>
  texts(
    [
      '{"a":1}',
      '{"contentType":"text/plain","body":"bytes"}',
      '{"h":{"int64":"5"}}',
      'text',
      'Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1',
    ].join('\u0001'),
    [
      'rO0ABXQAAXg=',
      '{"correlationId":{"bytes":"AAE="},"headers":{"x":"int8"}}',
      '{"l":[1,2]}',
      'object',
      '1700000000000',
    ].join('\u0001'),
    [notification, '{"durable":true}', '{}', 'byte', ''].join('\u0001'),
    [event, '', '', 'Number.int', ''].join('\u0001'),
  )
const notification = JSON.stringify({
  Type: 'Notification',
  MessageId: 'm',
  TopicArn: 'arn:aws:sns:eu-west-1:1:t',
  Message: 'hello',
  Timestamp: '2026-01-01T00:00:00.000Z',
  MessageAttributes: { a: { Type: 'Number', Value: '1.5' }, b: { Type: 'Binary', Value: 'AAE=' } },
})
const event = JSON.stringify({
  specversion: '1.0',
  id: '1',
  source: '/a',
  type: 't',
  time: '2026-01-01T00:00:00Z',
  datacontenttype: 'application/json',
  data: { a: [1, 'x', null] },
})
const sqs = (name: string, options: object): FuzzTarget => {
  const parsed = optionsOf('sqs', { queue: 'q', ...options }) as SqsSourceOptions
  return { name, seeds: sqsSeeds, read: input => void decodeSqs(received(input), parsed) }
}

const codec = (name: string, rule: Parameters<typeof decoded>[0], ...seeds: string[]): FuzzTarget => ({
  name,
  seeds: () => texts(...seeds),
  refuses: refused,
  read(input) {
    for (const body of [input, input.toString()]) encoded({ format: 'json' }, decoded(rule, body))
  },
})

const stompOptions = optionsOf('stomp', { queue: 'q' }) as Parameters<typeof decodeMessage>[2]

const letter = () => {
  const message: Message = {
    address: 'q',
    body: {
      kind: 'list',
      items: [
        { type: 'int64', value: 5n },
        { type: 'bytes', value: Buffer.of(0, 255) },
      ],
    },
    properties: { messageId: { type: 'string', value: 'm' }, priority: 4, durable: true, replyTo: 'r' },
    headers: { a: { type: 'float64', value: 0.1 }, l: { type: 'list', value: [{ type: 'null' }] } },
  }
  const about = { route: 'r', target: 't', message, attempts: 1, receivedAt: 1, diedAt: 2 }
  const { body } = recordMessage(deadLetterOf(about, new MessageRefused('because')))
  return texts((body as { readonly text: string }).text)
}

const columns = [
  { name: 'id', width: 4, type: 'int' },
  { name: 'name', width: 6 },
]

export const fuzzTargets: readonly FuzzTarget[] = [
  { name: 'AMQP 1.0: messages', seeds: transfers10, read: input => void decode10(input, 'q', 0) },
  {
    name: 'AMQP 0-9-1: properties and headers',
    seeds: properties091,
    read: raw =>
      void decode091('q', { exchange: '', routingKey: 'k', redelivered: false, raw, content: raw }),
  },
  {
    name: 'MQTT: what a broker says',
    seeds: () => [capture('mqtt')],
    refuses: said,
    read(input) {
      const parser = mqttPacket.parser({ protocolVersion: 5 })
      parser.on('error', () => {})
      parser.on('packet', packet => {
        if (packet.cmd === 'publish')
          sizeOf(packet) + Number(Boolean(decodeMqtt(packet as IPublishPacket as never)))
      })
      parser.parse(input)
    },
  },
  {
    name: 'STOMP: what a broker says',
    seeds: () => [capture('stomp')],
    refuses: said,
    read(input) {
      const parser = new FrameParser(2 ** 20, frame => {
        parser.version = '1.2'
        for (const broker of ['activemq', 'rabbitmq', 'artemis'] as const) {
          decodeMessage(frame, broker, stompOptions, 0)
          stableId(frame, broker)
        }
      })
      parser.push(input)
    },
  },
  sqs('SQS: messages', {}),
  sqs('SQS: messages of JMS', { format: 'jms' }),
  sqs('SQS: events', { format: 'cloudevents' }),
  sqs('SQS: what SNS wrote', { body: 'sns' }),
  {
    name: 'SNS: notifications',
    seeds: () => texts(notification),
    refuses: refused,
    read: input => void parseNotification(input.toString()),
  },
  {
    name: 'CloudEvents: structured',
    seeds: () => texts(event),
    refuses: refused,
    read: input => void readStructured(bodyOf(input)),
  },
  {
    name: 'claim check: pointers',
    seeds: () =>
      texts(
        '["software.amazon.payloadoffloading.PayloadS3Pointer",{"s3BucketName":"b","s3Key":"p/k"}]\u00015',
      ),
    refuses: refused,
    read(input) {
      const [body = '', size = ''] = input.toString().split('\u0001')
      const attributes = { ExtendedPayloadSize: { DataType: 'Number', StringValue: size } }
      pointerIn(body, attributes, { bucket: 'b', prefix: 'p/', max_message_size: 1_000 } as never)
    },
  },
  codec('mapping: JSON', { format: 'json' }, '{"a":[1,2.50,"x",{"b":null,"c":1e400}],"__proto__":{"x":-0}}'),
  codec(
    'mapping: XML',
    { format: 'xml' },
    '<?xml version="1.0"?><o a="1"><l>x</l><l>y &amp; z</l><!-- c --><![CDATA[d]]></o>',
  ),
  codec('mapping: CSV', { format: 'csv', header: true }, 'id,name\r\n1,"a ""b"""\r\n2,c\n'),
  codec('mapping: fixed width', { format: 'fixed_width', columns }, '0001Müller0002Meier '),
  {
    name: 'dead letters: records',
    seeds: letter,
    // The words of JSON.parse are in it.
    refuses: error => said(error) || error instanceof FieldWrong,
    read: input => void readRecord(input.toString()),
  },
  {
    name: 'configuration',
    seeds: configurations,
    refuses: error => error instanceof ConfigInvalid,
    read: input => void loadText('fuzzed.yaml', input.toString(), { standIns: true }),
  },
]
