import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { problemsIn } from '../support/problems.ts'

const key = Buffer.alloc(32, 9).toString('base64')

const file = (route: string, defaults = '') => `
connections: { here: { protocol: memory }, plant: { protocol: mqtt, urls: [mqtt://plant] } }
defaults: { dead_letter: [{ folder: /tmp/dead }]${defaults} }
routes:
  orders:
    from: { connection: here, queue: in }
    targets: { main: { connection: here, queue: out } }
${route}`

const problemsOf = (text: string) => problemsIn(options => loadText('f.yaml', text, options))
const diskOf = (text: string) => loadText('f.yaml', text).config.routes[0]!.buffer.disk

describe('buffer.disk', () => {
  it('is what the route says, or what the defaults say', () => {
    assert.equal(diskOf(file('')), undefined)
    assert.deepEqual(diskOf(file('    buffer: { disk: { path: /data } }')), {
      path: '/data',
      max_bytes: 2 ** 30,
    })
    const common = ', buffer: { disk: { path: /all, max_bytes: 2MiB } }'
    assert.deepEqual(diskOf(file('', common)), { path: '/all', max_bytes: 2 ** 21 })
    assert.deepEqual(diskOf(file('    buffer: { max_messages: 5 }', common)), {
      path: '/all',
      max_bytes: 2 ** 21,
    })
  })

  it('has a key of 32 bytes, which is not printed', () => {
    const loaded = loadText('f.yaml', file(`    buffer: { disk: { path: /data, key: ${key} } }`))
    assert.equal(loaded.config.routes[0]!.buffer.disk?.key?.reveal(), key)
    assert.ok(!printConfig(loaded).includes(key))
    const problems = problemsOf(file('    buffer: { disk: { path: /data, key: too-short } }'))
    assert.equal(problems.length, 1)
    assert.match(
      problems[0]!,
      /^f\.yaml:8:\d+: routes\.orders\.buffer\.disk\.key: expected 32 bytes in base64 or hexadecimal digits, such as/,
    )
    assert.ok(!problems[0]!.includes('too-short'))
  })

  it('is no smaller than 1MiB', () => {
    const problems = problemsOf(file('    buffer: { disk: { path: /data, max_bytes: 1KiB } }'))
    assert.match(problems.join('\n'), /routes\.orders\.buffer\.disk\.max_bytes: expected 1MiB or more/)
  })

  it('does not go with a dead letter of the broker, which has forgotten the message by then', () => {
    const problems = problemsOf(
      file('    buffer: { disk: { path: /data } }\n    dead_letter: [{ broker: true }]'),
    )
    assert.equal(problems.length, 1)
    assert.match(
      problems[0]!,
      /routes\.orders: with a disk buffer .* so that dead_letter cannot have broker: true/,
    )
    assert.deepEqual(problemsOf(file('    dead_letter: [{ broker: true }]')), [])
  })

  it('is missed where the broker drops what waits there', () => {
    const warnings = (from: string, more = '') =>
      loadText('f.yaml', file('').replace('{ connection: here, queue: in }', from) + more).warnings.map(
        formatProblem,
      )
    const [warning, ...others] = warnings('{ connection: plant, topic: t }')
    assert.deepEqual(others, [])
    assert.match(
      warning!,
      /^f\.yaml:6:\d+: warning: routes\.orders\.from: while the bridge or its target is away .* is dropped there without a word: raise its limit .*; a disk buffer \(buffer\.disk\) takes them in while the target is away$/,
    )
    assert.deepEqual(warnings('{ connection: plant, topic: t }', '    buffer: { disk: { path: /data } }'), [])
    assert.deepEqual(warnings('{ connection: here, queue: in }'), [])
    assert.equal(
      warnings('{ connection: plant, topic: t, qos: 0 }').filter(w => w.includes('disk')).length,
      0,
    )
  })
})
