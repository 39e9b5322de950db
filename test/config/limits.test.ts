import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { load, loadText } from '../../src/config/load.ts'
import { compileAddress } from '../../src/route/mapping/address.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-limits-'))
after(() => rmSync(folder, { recursive: true }))

const lines = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join('\n')

const laughs = `a: &a [x, x, x, x, x, x, x, x, x]\n${lines(8, i => {
  const [of, own] = ['abcdefghi'[i], 'abcdefghi'[i + 1]]
  return `${own}: &${own} [${Array(9).fill(`*${of}`).join(', ')}]`
})}`

const hostile: Readonly<Record<string, readonly [string, RegExp]>> = {
  'a billion laughs': [laughs, /Excessive alias count/],
  'anchors without end': [
    lines(100_000, i => `k${i}: &a${i} x`),
    /there are 100000 anchors \(&NAME\), and at most 1000 can be/,
  ],
  'lists in lists without end': ['['.repeat(5_000), /no well-formed YAML/],
  'a function': ['id: !!js/function "function () {}"', /:1:\d+: no value can have the tag .*js\/function/],
  'a tag of its own on a map': ['routes: !custom { a: 1 }', /no value can have the tag !custom/],
  'a tag of its own on a text': ['id: !secret x', /no value can have the tag !secret/],
  bytes: ['id: !!binary aGFsbG8=', /no value can have the tag .*binary/],
  'a name twice': ['id: a\nid: b', /:2:1: .*Map keys must be unique/],
}

describe('a configuration that means harm ends in a sentence, soon', () => {
  for (const [what, [text, said]] of Object.entries(hostile)) {
    it(what, () => {
      const began = performance.now()
      assert.throws(() => loadText('hostile.yaml', text), said)
      assert.ok(performance.now() - began < 1_500, `${performance.now() - began} ms`)
    })
  }

  it('a file of 100 MB, and one without end', async () => {
    const file = join(folder, 'large.yaml')
    writeFileSync(file, '')
    truncateSync(file, 100 * 2 ** 20)
    await assert.rejects(
      load(file),
      /large\.yaml has more than 1MiB, which is the limit of a file of the configuration/,
    )
    await assert.rejects(load('/dev/zero'), /more than 1MiB/)
    assert.throws(
      () => loadText('x.yaml', 'id: "${file:/dev/zero}"'),
      /cannot be resolved: \/dev\/zero has more than 1MiB/,
    )
  })
})

const config = (target: string, mapping = '[]') => `
connections: { here: { protocol: memory }, cloud: { protocol: sqs, region: eu-west-1 } }
routes:
  orders:
    from: { connection: here, queue: in }
    mapping: ${mapping}
    targets: { main: { connection: cloud, ${target} } }
    dead_letter: [{ folder: /tmp/dead }]
`

describe('a message chooses no place unless a pattern allows it', () => {
  const refused = (target: string, mapping?: string) =>
    assert.throws(
      () => loadText('f.yaml', config(target, mapping)),
      /routes\.orders\.targets\.main: missing allow: \$\{headers\.to\} lets a message choose any place/,
    )
  const taken = (target: string, mapping?: string) =>
    loadText('f.yaml', config(target, mapping)).config.routes[0]!

  it('where an expression alone names it, allow has to be written', () => {
    refused('queue: "${headers.to}"')
    refused('queue: "${address}"', '[{ set: { address: "${headers.to}" } }]')
    taken('queue: "orders-${headers.to}"')
    taken('queue: "${address}"')
    const { targets } = taken('queue: "${headers.to}", allow: ["orders-*", audit]')
    assert.deepEqual(targets.get('main')!.allow, ['orders-*', 'audit'])
  })

  it('what matches no pattern is refused', async () => {
    const message = (to: string) =>
      ({
        address: '',
        body: { kind: 'none' },
        properties: {},
        headers: { to: { type: 'string', value: to } },
      }) as const
    const address = compileAddress('${headers.to}', ['orders-*', 'audit'])
    assert.equal((await address(message('orders-7'))).address, 'orders-7')
    assert.equal((await address(message('audit'))).address, 'audit')
    for (const to of ['payroll', 'audit2', 'my-orders-7', 'https://evil.example/orders-']) {
      await assert.rejects(async () => address(message(to)), /is none of those that allow names/)
    }
  })
})

describe('an admin server that others reach', () => {
  const warnings = (admin: string) =>
    loadText('f.yaml', `${config('queue: orders')}admin: ${admin}\n`).warnings.filter(
      w => w.path[0] === 'admin',
    )

  it('is warned of where it has no token, and nowhere else', () => {
    const [warning] = warnings('{ host: 0.0.0.0 }')
    assert.match(warning!.text, /set admin\.token/)
    for (const well of [
      '{}',
      '{ host: localhost }',
      '{ host: "::1" }',
      '{ host: 0.0.0.0, token: 0123456789abcdef }',
    ])
      assert.deepEqual(warnings(well), [])
  })
})
