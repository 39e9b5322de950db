import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { mqtt } from '../../src/adapters/mqtt/index.ts'
import { mayMatch } from '../../src/adapters/mqtt/topics.ts'

/** As MQTT 5, 4.7.1 has it. */
function matches(filter: string, topic: string): boolean {
  if (/^[+#]/.test(filter) && topic.startsWith('$')) return false
  const levels = topic.split('/')
  const wanted = filter.split('/')
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true
    if (i >= levels.length || (level !== '+' && level !== levels[i])) return false
  }
  return wanted.length === levels.length
}

const withParent = (filter: string, topic: string): boolean =>
  matches(filter, topic) || (filter.endsWith('/#') && matches(filter.slice(0, -2), topic))

it('a topic that is fixed: as the protocol has it', () => {
  for (const [filter, topic, expected] of [
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/b/c', false],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['a/#', 'ab', false],
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['+/+', '/a', true],
  ] as const) {
    assert.equal(mayMatch(filter, topic), expected, `${filter} ${topic}`)
    assert.equal(withParent(filter, topic), expected, `the model: ${filter} ${topic}`)
  }
})

it('a template: ${…} stands for anything, of several levels too', () => {
  for (const [filter, template, expected] of [
    ['a/b', '${headers.to}', true],
    ['a/b/c', 'a/${x}', true],
    ['a/b', 'a${x}b', true],
    ['a/b', 'c/${x}', false],
    ['a/+/c', 'a/${x}/d', false],
    ['a/+/c', 'a/${x}/c', true],
    ['plant/+/command', 'plant/${x}/telemetry', false],
    ['a/#', '${x}/z', true],
    ['a/b', '${ {"a": "}"}.a }/b', true],
    ['a/b', '${ {"a": "}"}.a }/c', false],
    ['a/b', '${ "`}\\"" & \'}\' }/c', false],
    ['a/+', 'a${x}', true],
    ['+', 'a/${x}', false],
    ['#', '$share${x}', false],
    ['#', '${x}', true],
  ] as const) {
    assert.equal(mayMatch(filter, template), expected, `${filter} ${template}`)
  }
})

const name = fc.array(fc.constantFrom('a', 'b', '/', '/'), { maxLength: 7 }).map(all => all.join(''))
const filter = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'ab', '+', ''), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'))

it('agrees with the protocol on every topic that is fixed', () => {
  fc.assert(
    fc.property(filter, name, (f, topic) => {
      fc.pre(topic !== '')
      assert.equal(mayMatch(f, topic), withParent(f, topic))
    }),
    { numRuns: 5_000 },
  )
})

it('never misses a topic that a template comes to, and names none that it cannot', () => {
  const parts = fc.array(fc.tuple(name, name), { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(filter, parts, name, (f, all, end) => {
      const topic = all.map(([literal, value]) => literal + value).join('') + end
      const template = `${all.map(([literal]) => `${literal}\${x}`).join('')}${end}`
      if (topic !== '' && withParent(f, topic)) assert.ok(mayMatch(f, template), `${topic} of ${template}`)
    }),
    { numRuns: 5_000 },
  )
  const short = fc.constantFrom('a', 'b', '/', 'a/', '/b')
  const values = [
    '',
    'a',
    'b',
    '/',
    'a/',
    '/a',
    'a/b',
    '/b',
    'ab',
    'b/',
    'a/a',
    'b/b',
    'b/a',
    '//',
    'a/b/a',
    'b/a/b',
  ]
  fc.assert(
    fc.property(filter, short, short, (f, before, after) => {
      const some = values.some(value => withParent(f, before + value + after))
      // Filters of many levels need longer values than those.
      if (f.length <= 4) assert.equal(mayMatch(f, `${before}\${x}${after}`), some)
    }),
    { numRuns: 5_000 },
  )
})

it('a source says what it reads, whoever shares the subscription', () => {
  const at = (source: object) => ({
    connection: mqtt.connection.parse({ urls: ['mqtt://localhost'] }),
    connectionName: 'plant',
    route: 'route',
    options: mqtt.source!.options.parse(source),
  })
  for (const share of [undefined, 'group']) {
    assert.equal(mqtt.source!.reads!(at({ topic: 'a/#', share }), 'a/${x}'), true)
    assert.equal(mqtt.source!.reads!(at({ topic: 'a/#', share }), 'b/${x}'), false)
  }
})
