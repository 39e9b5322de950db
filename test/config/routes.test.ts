import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadText } from '../../src/config/load.ts'
import { ConfigInvalid, formatProblem } from '../../src/config/problem.ts'

const problemsOf = (text: string): readonly string[] => {
  try {
    loadText('f.yaml', text)
  } catch (error) {
    if (error instanceof ConfigInvalid) return error.problems.map(formatProblem)
    throw error
  }
  return []
}

/** One route between these two ends, with these keys of its own. */
const route = (name: string, from: string, target: string, more = '') => `
  ${name}:
    from: ${from}
    targets: { main: ${target} }
    ${more}`

const file = (...routes: readonly string[]) => `
defaults: { dead_letter: [{ folder: /tmp/dead }] }
connections:
  here: { protocol: memory }
  mq: { protocol: amqp10, urls: ["amqp://localhost"] }
  rabbit: { protocol: amqp091, urls: ["amqp://localhost:5673"], username: me, password: me }
  plant: { protocol: mqtt, urls: ["mqtt://localhost:1883", "mqtt://other:1883"] }
  plant5: { protocol: mqtt, version: 5, urls: ["mqtt://localhost:1883"] }
  same: { protocol: mqtt, urls: ["mqtt://other:1883"] }
  cloud: { protocol: sqs, region: eu-west-1 }
routes:${routes.join('')}
`

describe('an order', () => {
  const fifo = '{ connection: cloud, queue: out.fifo }'

  it('is that of the groups where a target is a FIFO one, and none elsewhere', () => {
    const text = file(
      route('a', '{ connection: here, queue: in }', fifo),
      route('b', '{ connection: here, queue: in }', '{ connection: cloud, queue: out }'),
    )
    assert.deepEqual(
      loadText('f.yaml', text).config.routes.map(r => r.ordering),
      ['by_group', 'none'],
    )
  })

  it('demands a source that can keep it, and says what to write', () => {
    for (const [from, what] of [
      ['{ connection: mq, queue: in }', /exclusive: true/],
      ['{ connection: rabbit, queue: in }', /exclusive: true/],
      ['{ connection: plant, topic: in, share: group }', /leave share out/],
      ['{ connection: cloud, queue: in }', /read a FIFO queue/],
    ] as const) {
      for (const more of ['', 'ordering: strict']) {
        const [problem, ...others] = problemsOf(file(route('a', from, fifo, more)))
        assert.match(problem ?? '', /^f\.yaml:\d+:\d+: routes\.a\.from: no order .* can be kept from here/)
        assert.match(problem ?? '', what)
        assert.deepEqual(others, [])
      }
      assert.deepEqual(problemsOf(file(route('a', from, fifo, 'ordering: none'))), [])
    }
    assert.deepEqual(problemsOf(file(route('a', '{ connection: mq, queue: in, exclusive: true }', fifo))), [])
    const fromFifo = '{ connection: cloud, queue: in.fifo }'
    assert.deepEqual(problemsOf(file(route('a', fromFifo, fifo))), [])
    assert.match(
      problemsOf(file(route('a', fromFifo, fifo, 'ordering: strict')))[0] ?? '',
      /SQS has an order within each message group only: write ordering: by_group/,
    )
  })

  it('is what a held group needs', () => {
    const plain = '{ connection: cloud, queue: out }'
    const text = file(route('a', '{ connection: here, queue: in }', plain, 'on_refused: hold_group'))
    assert.match(
      problemsOf(text)[0] ?? '',
      /routes\.a\.on_refused: hold_group .* write ordering: by_group or strict/,
    )
    assert.deepEqual(problemsOf(text.replace('hold_group', 'hold_group\n    ordering: strict')), [])
  })
})

describe('requests and replies', () => {
  const ends = ['{ connection: here, queue: in }', '{ connection: here, queue: out }'] as const

  it('need keys and the places where replies may go', () => {
    for (const more of ['request: { reply_to: answers }', 'reply: true']) {
      assert.match(problemsOf(file(route('a', ...ends, more)))[0] ?? '', /missing request_reply/)
    }
  })

  it('need two routes', () => {
    const text = file(route('a', ...ends, 'request: { reply_to: answers }\n    reply: true'))
    assert.match(problemsOf(text)[0] ?? '', /a route carries requests or replies: write two routes/)
  })

  it('have keys with different ids and secrets that are worth the name, which nothing prints', () => {
    const keys = (...written: readonly string[]) =>
      `${file(route('a', ...ends, 'reply: true'))}request_reply:\n  reply_to_allow: ["*"]\n  keys: [${written.join(', ')}]\n`
    const good = '{ id: k1, secret: 0123456789abcdef }'
    assert.deepEqual(problemsOf(keys(good)), [])
    assert.match(problemsOf(keys(good, good))[0] ?? '', /expected two ids/)
    const [short] = problemsOf(keys('{ id: k1, secret: tooshort }'))
    assert.match(short ?? '', /too short: a secret has at least 16 characters$/)
    assert.doesNotMatch(short ?? '', /tooshort/)
    assert.match(problemsOf(keys('{ id: "a.b", secret: 0123456789abcdef }'))[0] ?? '', /letters, digits/)
  })
})

describe('routes in a circle', () => {
  const back = (from: string, target: string) => [
    route('to-plant', '{ connection: here, queue: commands }', target),
    route('from-plant', from, '{ connection: here, queue: commands }'),
  ]

  it('over a protocol without headers are a mistake where their addresses overlap', () => {
    for (const [from, target] of [
      ['{ connection: plant, topic: "plant/#" }', '{ connection: plant, topic: plant/1/cmd }'],
      [
        '{ connection: plant, topic: "plant/+/cmd" }',
        '{ connection: plant, topic: "plant/${headers.id}/cmd" }',
      ],
      ['{ connection: same, topic: "#" }', '{ connection: plant, topic: plant/1/cmd }'],
      ['{ connection: plant5, topic: "#" }', '{ connection: plant, topic: plant/1/cmd }'],
    ] as const) {
      const [problem, ...others] = problemsOf(file(...back(from, target)))
      assert.match(
        problem ?? '',
        /routes\.to-plant\.targets\.main: .* the route from-plant.* do not overlap/,
        target,
      )
      assert.deepEqual(others, [])
    }
  })

  it('are fine where their addresses do not meet, where there are headers, or on another broker', () => {
    for (const [from, target] of [
      [
        '{ connection: plant, topic: "plant/+/telemetry" }',
        '{ connection: plant, topic: "plant/${headers.id}/cmd" }',
      ],
      ['{ connection: plant, topic: "#" }', '{ connection: plant5, topic: plant/1/cmd }'],
      ['{ connection: same, topic: "#" }', '{ connection: plant5, topic: plant/1/cmd }'],
    ] as const) {
      assert.deepEqual(problemsOf(file(...back(from, target))), [], target)
    }
    const oneWay = route('a', '{ connection: here, queue: x }', '{ connection: plant, topic: a }')
    const other = route('b', '{ connection: plant, topic: a }', '{ connection: here, queue: y }')
    const forth = oneWay.replace('queue: x', 'queue: elsewhere')
    assert.deepEqual(problemsOf(file(forth, other.replace('connection: here', 'connection: cloud'))), [])
  })
})
