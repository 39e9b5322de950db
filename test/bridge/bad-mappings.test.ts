import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { SendMessageCommand } from '@aws-sdk/client-sqs'
import { runBridge } from '../support/bridge-process.ts'
import type { TestAws } from '../support/fauxqs.ts'
import { until } from '../support/until.ts'
import { awsConnection, bodiesIn, deadFolder, quick, suiteAws } from './setting.ts'

/** What one message makes a rule do, in a route that runs. */
interface Case {
  readonly name: string
  readonly mapping: readonly object[]
  readonly good: string
  readonly bad: string
  readonly reason: RegExp
}

const cases = (folder: string): readonly Case[] => [
  {
    name: 'endless',
    mapping: [{ drop_if: '($f := function($x) { $f($x + 1) }; body = "loop" and $f(1))' }],
    good: 'fine',
    bad: 'loop',
    reason: /rule 1 \(drop_if\).*takes longer than 1000 ms/,
  },
  {
    name: 'deep-xml',
    mapping: [{ decode: { format: 'xml' } }, { encode: { format: 'json' } }],
    good: '<a>1</a>',
    bad: `${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}`,
    reason: /rule 1 \(decode\).*nested more than 80 deep/,
  },
  {
    name: 'short-record',
    mapping: [
      { decode: { format: 'csv', columns: [{ name: 'id' }, { name: 'qty', type: 'int' }] } },
      { encode: { format: 'json' } },
    ],
    good: 'A1,5',
    bad: 'A1,5,6',
    reason: /rule 1 \(decode\).*columns?/,
  },
  {
    name: 'no-row',
    mapping: [
      { lookup: { file: join(folder, 'customers.csv'), key: '${body}', as: 'customer' } },
      { set: { headers: { region: '${lookup.customer.region}' } } },
    ],
    good: 'acme',
    bad: 'nobody',
    reason: /rule 1 \(lookup\).*nobody/,
  },
  {
    name: 'no-schema',
    mapping: [{ validate: { schema: join(folder, 'order.json') } }],
    good: '{"id":1}',
    bad: '{"id":"one"}',
    reason: /rule 1 \(validate\).*id/,
  },
]

describe('a mapping in a route that runs', () => {
  let aws: TestAws
  suiteAws(started => {
    aws = started
  })

  test('refuses what it cannot do, with its reason, and goes on', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-mapping-'))
    t.after(() => rmSync(folder, { recursive: true }))
    writeFileSync(join(folder, 'customers.csv'), 'key,region\nacme,eu\n')
    writeFileSync(
      join(folder, 'order.json'),
      '{"type":"object","properties":{"id":{"type":"integer"}},"required":["id"]}',
    )
    const dead = deadFolder(t)
    const all = cases(folder)
    for (const { name, bad, good } of all) {
      await aws.createQueue(`${name}-out`)
      const QueueUrl = await aws.createQueue(name)
      for (const MessageBody of [good, bad, good])
        await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }))
    }
    const bridge = await runBridge(t, {
      defaults: { ...quick, dead_letter: [{ folder: dead.path }] },
      connections: { cloud: awsConnection('sqs', aws) },
      routes: Object.fromEntries(
        all.map(({ name, mapping }) => [
          name,
          {
            from: { connection: 'cloud', queue: name, wait: '1s' },
            mapping,
            targets: { main: { connection: 'cloud', queue: `${name}-out` } },
          },
        ]),
      ),
    })
    for (const { name } of all)
      await until(() => bodiesIn(aws, `${name}-out`).length === 2, {
        what: `two in ${name}-out`,
        timeout: 30_000,
      })
    await until(async () => (await dead.letters()).length === all.length, { what: 'the dead letters' })
    const letters = await dead.letters()
    for (const { name, bad, reason } of all) {
      const letter = letters.find(l => l.route === name)!
      assert.match(letter.reason, reason)
      assert.deepEqual(letter.message.body, { kind: 'text', text: bad })
    }
    assert.equal(await bridge.stop(), 0)
  })
})
