import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type Way, wayOf } from '../../src/bridge.ts'
import { load, loadText } from '../../src/config/load.ts'
import { ConfigInvalid } from '../../src/config/problem.ts'
import { MessageRefused } from '../../src/core/errors.ts'
import { atTime } from '../../src/explain/clock.ts'
import { explainFile } from '../../src/explain/explain.ts'
import { explanationText } from '../../src/explain/print.ts'
import { deadLetterOf, recordMessage } from '../../src/route/dead-letter/record.ts'
import { startSluice } from '../support/bridge-process.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-explain-'))

function file(name: string, text: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const config = `
connections:
  here: { protocol: memory }
  mq: { protocol: amqp10, urls: ["amqp://nobody.invalid"], username: u, password: "\${env:SLUICE_NOT_SET}" }
  old: { protocol: mqtt, urls: ["mqtt://nobody.invalid"] }
  cloud: { protocol: sqs, region: eu-west-1 }
defaults: { dead_letter: [{ folder: /var/lib/sluice/dead }] }
routes:
  orders:
    from: { connection: mq, queue: ORDERS, exclusive: true }
    mapping:
      - drop_if: headers.kind = "heartbeat"
      - set: { headers: { tenant: "\${headers.customer}" }, group_id: g, expires_in: 1m }
    targets:
      main: { connection: cloud, queue: orders.fifo }
      plain: { connection: old, topic: orders }
  chosen:
    from: { connection: here, queue: in }
    targets: { main: { connection: cloud, queue: "\${headers.where}", allow: ["*"] } }
`

const peekable = `
connections: { here: { protocol: memory } }
routes:
  orders:
    from: { connection: here, queue: in }
    targets: { main: { connection: here, queue: out } }
    dead_letter: [{ folder: /var/lib/sluice/dead }]
`

const way = (route: string): Way => {
  const { config: loaded } = loadText('sluice.yaml', config, { standIns: true })
  return wayOf(loaded.routes.find(r => r.name === route)!, loaded)
}

const explained = async (route: string, message: string): Promise<string> =>
  explanationText(await explainFile(way(route), file('message.yaml', message)))

async function finished(t: TestContext, ...args: readonly string[]) {
  const { code, out, err } = startSluice(t, 'explain', ...args)
  return { code: await code, out: out(), err: err() }
}

const order = `
body: { json: { id: 7 } }
headers: { customer: c-42, qty: { int64: "9007199254740993" }, evil: "\\e[2J" }
properties: { message_id: "ID:1", reply_to: "queue://R" }
`

describe('sluice explain', () => {
  it('shows what each rule did and what each target would be sent, the same each time', async () => {
    const text = await explained('orders', order)
    assert.equal(
      text,
      `\
route orders, message from ORDERS, at 2026-01-01T00:00:00.000Z

as it came
  body                   text of 8 bytes: {"id":7}
  headers.customer       "c-42"
  headers.qty            9007199254740993 (int64)
  headers.evil           "\\u001b[2J"
  properties.message_id  "ID:1"
  properties.reply_to    "queue://R"

trail
  + properties.trail          "sluice/orders"
rule 1 (drop_if): changes nothing
rule 2 (set)
  + headers.tenant            "c-42"
  + properties.group_id       "g"
  + properties.expires_at     2026-01-01T00:01:00.000Z

target main (sqs)
  address   orders.fifo
  size      213 bytes; the usual limit is 1048576 (1MiB)
  body      {"id":7}
  fields
    MessageGroupId          g
    MessageDeduplicationId  584e2eb7467946afcfead9cf85daf6033c8b10424d2a54d271f1797284faebb8
  MessageAttributes
    customer           String       c-42
    qty                Number.long  9007199254740993
    evil               String.json  "\\u001b[2J"
    tenant             String       c-42
    sluice_properties  String       {"messageId":"ID:1","replyTo":"queue://R","trail":"sluice/orders
                                    ","expiresAt":1767225660000}
  notes
    - sluice_properties carries the properties message_id, reply_to, trail, expires_at

target plain (mqtt)
  address   orders
  size      20 bytes; the usual limit is 268435460
  body      {"id":7}
  fields
    qos     1
    retain  false
  notes
    - headers without a field of their own: customer, qty, evil, tenant (left behind, since the
      protocol has no place for them)`,
    )
    assert.equal(await explained('orders', order), text)
  })

  it('fits a terminal of 100 columns', async () => {
    const text = await explained('orders', `${order.replace('c-42', 'x '.repeat(200))}`)
    assert.deepEqual(
      text.split('\n').filter(line => line.length > 100),
      [],
    )
  })

  it('says which rule drops a message, and why one is dead-lettered', async () => {
    assert.match(
      await explained('orders', 'headers: { kind: heartbeat }'),
      /rule 1 \(drop_if\): drops the message\n\ntarget main \(sqs\)\n {2}end {7}nothing is sent, .* dropped by rule 1 \(drop_if\)\n/,
    )
    assert.match(
      await explained('orders', 'headers: {}'),
      /rule 2 \(set\): refuses the message\n\ntarget main \(sqs\)\n {2}end {7}nothing is sent, the message is dead-lettered: rule 2 \(set\): the mapping reads\n/,
    )
    assert.match(
      await explained('chosen', 'headers: { where: "no queue!" }'),
      /target main \(sqs\)\n {2}end {7}nothing is sent, the message is dead-lettered: "no queue!"/,
    )
  })

  it('says what is left behind, carried elsewhere or encoded', async () => {
    const text = await explained('orders', 'body: { base64: AAE= }\nheaders: { customer: "c" }')
    assert.match(text, /- headers without a field of their own: customer, tenant \(left behind/)
    assert.match(text, /- the body cannot be carried as it is: its encoding is base64/)
    assert.match(text, /- sluice_properties carries the properties trail, expires_at/)
  })

  it('says which headers are packed, those with names of ours too', async () => {
    const many = Array.from({ length: 12 }, (_, i) => `h${i}: 1`).join(', ')
    const odd = '"": 1, headers: 1, sluice_properties: x, sluice_headers: y'
    const text = await explained('chosen', `headers: { where: q, ${many}, ${odd} }`)
    assert.match(
      text.replace(/\n +(?=\S)/g, ' '),
      /- headers without a field of their own: h7, h8, h9, h10, h11, "", headers, sluice_properties, sluice_headers \(packed into one field\)/,
    )
    assert.doesNotMatch(text, /is written as/)
  })

  it('stands still and goes on after a while, so that an expression without end meets its time limit', async t => {
    let passed = 0
    t.mock.method(performance, 'now', () => passed)
    await atTime(1_000, async () => {
      assert.deepEqual(
        [Date.now(), new Date().toISOString(), new Date(7).getTime()],
        [1_000, '1970-01-01T00:00:01.000Z', 7],
      )
      passed = 4_999
      assert.equal(Date.now(), 1_000)
      passed = 11_000
      assert.equal(Date.now(), 11_000)
    })
    assert.ok(Date.now() > 1e12)
  })

  it('takes each form of a body and of a value', async () => {
    const forms: readonly [string, string][] = [
      ['body: hello', 'text of 5 bytes: hello'],
      ['body: { map: { a: 1, b: { int64: 5 } } }', 'map: {"a":1,"b":5}'],
      ['body: { list: [true, null, [x]] }', 'list: [true,null,["x"]]'],
      [`body: { file: ${file('body.bin', 'ab')} }`, 'bytes of 2 bytes: ab'],
      ['body: { text_file: body.bin }', 'text of 2 bytes: ab'],
      ['body: { java_object: rO0ABQ== }', 'object of 4 bytes: base64 rO0ABQ=='],
      ['headers: { x: 1.5 }', '1.5 (float64)'],
      ['headers: { x: 3000000000 }', '3000000000 (int64)'],
      ['headers: { x: { timestamp: 2026-01-31T00:00:00Z } }', '"2026-01-31T00:00:00.000Z" (timestamp)'],
      ['headers: { x: { map: { a: { uint8: 7 } } } }', '{"a":7} (map)'],
      ['properties: { correlation_id: { bytes: AAE= } }', '"AAE=" (bytes)'],
    ]
    for (const [written, shown] of forms) {
      const text = await explained('orders', written)
      assert.ok(text.includes(shown), `${written} is not shown as ${shown}:\n${text}`)
    }
  })

  it('says every mistake in a message with its place', async () => {
    const wrong =
      'body: { base64: "*" }\nheaders:\n  n: { int8: 300 }\n  big: 90071992547409931\n  t: { a: 1, b: 2 }\n'
    await assert.rejects(explained('orders', wrong), (error: unknown) => {
      assert.ok(error instanceof ConfigInvalid)
      assert.deepEqual(
        error.problems.map(({ line, column, text }) => `${line}:${column} ${text}`),
        [
          '1:17 expected base64',
          '3:3 300 is no value of the type int8',
          '4:8 a number that YAML rounds: write { int64: "…" } or { decimal: "…" }',
          '5:3 expected one type with its value, such as { int64: "5" } or { map: { … } }',
        ],
      )
      return true
    })
    file('latin1.txt', Buffer.of(0x61, 0xe4))
    await assert.rejects(explained('orders', 'body: { text_file: latin1.txt }'), /the file is no UTF-8/)
    await assert.rejects(explained('orders', 'body: { json: { a: .nan } }'), /JSON has no such number/)
    await assert.rejects(
      explained('orders', 'haeders: {}'),
      /message\.yaml:1:1: haeders: unknown key \(did you mean "headers"\?\)/,
    )
  })

  it('takes a dead letter, at the time at which it came', async () => {
    const message = {
      address: 'ORDERS',
      body: { kind: 'bytes', bytes: Uint8Array.of(0, 1) },
      headers: { customer: { type: 'string', value: 'c' } },
      properties: {},
    } as const
    const receivedAt = Date.parse('2025-05-05T05:05:05Z')
    const about = { route: 'orders', target: 'main', message, attempts: 1, receivedAt, diedAt: receivedAt }
    const { body } = recordMessage(deadLetterOf(about, new MessageRefused('too large')))
    assert.ok(body.kind === 'text')
    const text = explanationText(await explainFile(way('orders'), file('dead.json', body.text)))
    assert.match(text, /message from ORDERS, at 2025-05-05T05:05:05\.000Z/)
    assert.match(text, /bytes of 2 bytes: base64 AAE=/)
  })

  it('prints what its guide says that it prints', async () => {
    const top = join(import.meta.dirname, '../..')
    const page = readFileSync(join(top, 'docs/mapping.md'), 'utf8')
    const [, message = ''] = /and no configuration -->\n```yaml\n([\s\S]*?)```/.exec(page) ?? []
    const [, printed] = /```text\n\$ sluice explain .*\n([\s\S]*?)```/.exec(page) ?? []
    const loaded = await load(join(top, 'docs/examples/mapping.yaml'), { standIns: true })
    const explanation = await explainFile(
      wayOf(loaded.config.routes[0]!, loaded.config),
      file('guide.yaml', message),
    )
    assert.equal(`${explanationText(explanation)}\n`, printed)
  })

  it('is a command: 0 with text or JSON, 2 for what is wrong; it needs neither brokers nor secrets', async t => {
    const [yaml, message] = [file('sluice.yaml', config), file('order.yaml', order)]
    const read = await finished(t, yaml, '--route', 'orders', '--message', message)
    assert.deepEqual([read.code, read.err], [0, ''])
    assert.match(read.out, /target main \(sqs\)\n/)
    const json = await finished(t, yaml, '--route', 'orders', '--message', message, '--json')
    const { route, steps, targets } = JSON.parse(json.out)
    assert.deepEqual([json.code, route, steps.length, targets.length], [0, 'orders', 3, 2])
    assert.equal(targets[0].result.shown.body, '{"id":7}')
    const typo = await finished(t, yaml, '--route', 'order', '--message', message)
    assert.deepEqual([typo.code, typo.err], [2, 'there is no route "order" (did you mean "orders"?)\n'])
    const unclear = await finished(t, yaml, '--route', 'orders')
    assert.deepEqual([unclear.code, unclear.err], [2, 'write either --message or --peek\n'])
    const nothing = await finished(t, file('peek.yaml', peekable), '--route', 'orders', '--peek')
    assert.deepEqual([nothing.code, nothing.err], [1, 'no message waits in in\n'])
    const gone = await finished(t, yaml, '--route', 'orders', '--message', join(folder, 'none.yaml'))
    assert.equal(gone.code, 2)
    assert.match(gone.err, /none\.yaml:1:1: the message cannot be read: ENOENT/)
  })
})
