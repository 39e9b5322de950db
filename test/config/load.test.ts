import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import { problemsIn } from '../support/problems.ts'

const minimal = `
connections:
  here: { protocol: memory }
routes:
  orders:
    from: { connection: here, queue: in }
    targets: { main: { connection: here, queue: out } }
    dead_letter: [{ folder: /tmp/dead }]
`

const problemsOf = (text: string) => problemsIn(options => loadText('f.yaml', text, options))

describe('a configuration', () => {
  it('has defaults for all that is not written', () => {
    const { config } = loadText('f.yaml', minimal)
    const [route] = config.routes
    assert.equal(route?.from.at.options.prefetch, 500)
    assert.deepEqual(route?.retry, { initial: 200, max: 30_000, max_attempts: 5 })
    assert.deepEqual(route?.buffer, { max_messages: 2_000, max_bytes: 64 * 2 ** 20 })
    assert.deepEqual(config.admin, { host: '127.0.0.1', port: 9464 })
    assert.equal(config.stopTimeout, 25_000)
  })

  it('shows a duration out of its bounds as it was written', () => {
    const text = minimal
      .replace('connections:', 'connections:\n  cloud: { protocol: sqs }')
      .replace('from: { connection: here, queue: in }', 'from: { connection: cloud, queue: in, wait: 30s }')
    assert.deepEqual(problemsOf(text), [
      'f.yaml:7:49: routes.orders.from.wait: expected whole seconds from 1s to 20s, found "30s"',
    ])
  })

  it('lets a route change one key of the defaults and keep the others', () => {
    const text = `${minimal}    retry: { max: 5s }\ndefaults:\n  retry: { initial: 1s, max: 9s }\n`
    const [route] = loadText('f.yaml', text).config.routes
    assert.deepEqual(route?.retry, { initial: 1_000, max: 5_000, max_attempts: 5 })
  })

  it('has a rate, a choice for what expires and a pause on each route, from the defaults where it has none', () => {
    const plain = loadText('f.yaml', minimal).config.routes[0]!
    const usual = { share: 0.2, of_last: 100, at_least: 20 }
    assert.deepEqual([plain.maxRate, plain.expired, plain.deadLetterPause], [undefined, 'drop', usual])
    const keys = '    max_rate: 500\n    dead_letter_pause: { at_least: 5 }\n'
    const defaults = 'defaults: { max_rate: 9, expired: dead_letter, dead_letter_pause: { share: 0.5 } }\n'
    const loaded = loadText('f.yaml', `${minimal}${keys}${defaults}`)
    const route = loaded.config.routes[0]!
    assert.deepEqual(
      [route.maxRate, route.expired, route.deadLetterPause],
      [500, 'dead_letter', { share: 0.5, of_last: 100, at_least: 5 }],
    )
    const [again] = loadText('f.yaml', printConfig(loaded)).config.routes
    assert.deepEqual([again!.maxRate, again!.expired], [500, 'dead_letter'])
    assert.deepEqual(again!.deadLetterPause, route.deadLetterPause)
    assert.deepEqual(problemsOf(`${minimal}    dead_letter_pause: { of_last: 10 }\n`), [
      'f.yaml:9:5: routes.orders.dead_letter_pause: at_least is 20 and of_last 10, so that the route would never be paused',
    ])
  })

  it('gives requesters that wait too long a dead letter, unless it is told to drop what expires', () => {
    const withRequest = (more: string) =>
      loadText(
        'f.yaml',
        `${minimal}    request: { reply_to: answers }\n${more}request_reply:\n  keys: [{ id: k, secret: 0123456789abcdef }]\n  reply_to_allow: ['*']\n`,
      ).config.routes[0]!.expired
    assert.equal(withRequest(''), 'dead_letter')
    assert.equal(withRequest('    expired: drop\n'), 'drop')
  })

  it('binds all ends of one connection to one object, so that they can share it', () => {
    const { config } = loadText('f.yaml', minimal)
    const [route] = config.routes
    assert.equal(route?.from.at.connection, route?.targets.get('main')?.at.connection)
  })

  it('demands a place for dead letters, on the route or under defaults', () => {
    const without = minimal.replace(/ {4}dead_letter.*\n/, '')
    assert.deepEqual(problemsOf(without), [
      'f.yaml:5:3: routes.orders: missing dead_letter, here or under defaults; no message may be dropped',
    ])
    assert.deepEqual(problemsOf(`${without}defaults:\n  dead_letter: [{ broker: true }]\n`), [])
  })

  it('says every mistake at once, each with its place, its path, what was found and what was expected', () => {
    const text = `
conections: {}
connections:
  here: { protocol: memory }
  far: { protocol: memry }
routes:
  orders:
    from: { connection: heer, queue: in }
    retry: { max: 5, inital: 3s }
    mapping:
      - set: { headrs: { a: 1 } }
    targets:
      main: { connection: here, queu: out, max_message_size: 3q }
    dead_letter: [{ brokr: true }]
log_level: inf
admin: { port: abc }
`
    assert.deepEqual(problemsOf(text), [
      'f.yaml:2:1: conections: unknown key (did you mean "connections"?)',
      'f.yaml:5:20: connections.far.protocol: expected one of amqp10, amqp091, mqtt, stomp, sqs, sns, s3, memory, found "memry" (did you mean "memory"?)',
      'f.yaml:8:25: routes.orders.from.connection: there is no connection "heer" (did you mean "here"?)',
      'f.yaml:9:19: routes.orders.retry.max: expected a duration from 1ms to 24d, such as 200ms, 30s, 5m or 12h, found 5',
      'f.yaml:9:22: routes.orders.retry.inital: unknown key (did you mean "initial"?)',
      'f.yaml:11:16: routes.orders.mapping[0].set.headrs: unknown key (did you mean "headers"?)',
      'f.yaml:13:7: routes.orders.targets.main.queue: missing; expected a text',
      'f.yaml:13:33: routes.orders.targets.main.queu: unknown key (did you mean "queue"?)',
      'f.yaml:13:62: routes.orders.targets.main.max_message_size: expected a size such as 300B, 256KiB or 64MiB, found "3q"',
      'f.yaml:14:19: routes.orders.dead_letter[0]: expected { connection: … } or { broker: true } or { folder: … }, found the keys brokr',
      'f.yaml:15:12: log_level: expected "debug" or "info" or "warn" or "error", found "inf"',
      'f.yaml:16:16: admin.port: expected a number, found "abc"',
    ])
  })

  it('says where the YAML itself is broken', () => {
    assert.match(problemsOf('routes:\n  a: [1, 2\n')[0] ?? '', /^f\.yaml:\d+:\d+: no well-formed YAML: /)
    assert.match(problemsOf('a: 1\na: 2\n')[0] ?? '', /^f\.yaml:2:1: no well-formed YAML: .*unique/)
    assert.ok(problemsOf('').some(p => p.includes('connections: missing')))
  })

  it('takes a broker as the place for dead letters only when it is plainly said', () => {
    for (const wrong of ['{ broker: false }', '{ broker: true, queue: q }']) {
      assert.match(problemsOf(minimal.replace('{ folder: /tmp/dead }', wrong))[0] ?? '', /dead_letter\[0\]/)
    }
    assert.deepEqual(problemsOf(minimal.replace('{ folder: /tmp/dead }', '{ broker: true }')), [])
  })

  it('refuses a target with the name of another link', () => {
    assert.match(
      problemsOf(minimal.replace('{ main:', '{ source:'))[0] ?? '',
      /targets\.source: expected another name/,
    )
  })

  it('refuses a broker as the place for dead letters where the source cannot reject', () => {
    const text = minimal
      .replace(
        'here: { protocol: memory }',
        'here: { protocol: memory }\n  mq: { protocol: mqtt, urls: [mqtt://h] }',
      )
      .replace('from: { connection: here, queue: in }', 'from: { connection: mq, topic: t }')
      .replace('{ folder: /tmp/dead }', '{ broker: true }')
    assert.match(problemsOf(text)[0] ?? '', /the source cannot reject/)
  })

  it('resolves ${env:…} and ${file:…}, and names those it cannot', t => {
    const path = join(tmpdir(), `sluice-secret-${process.pid}`)
    writeFileSync(path, 'from a file\n')
    process.env.SLUICE_TEST_QUEUE = 'from-env'
    t.after(() => delete process.env.SLUICE_TEST_QUEUE)
    const text = minimal.replace('queue: in', `queue: "\${env:SLUICE_TEST_QUEUE}-\${file:${path}}"`)
    const { config } = loadText('f.yaml', text)
    assert.match(JSON.stringify(config.routes[0]?.from.at.options), /"queue":"from-env-from a file"/)
    const missing = minimal
      .replace('queue: in', 'queue: "${env:SLUICE_NOT_SET}"')
      .replace('/tmp/dead', '"${file:/no/such}"')
    assert.deepEqual(problemsOf(missing), [
      'f.yaml:6:38: routes.orders.from.queue: ${env:SLUICE_NOT_SET} cannot be resolved: the environment variable SLUICE_NOT_SET is not set',
      'f.yaml:8:29: routes.orders.dead_letter[0].folder: ${file:/no/such} cannot be resolved: there is no file /no/such',
    ])
  })

  it('shows the effective configuration with its secrets masked, and what it shows loads again', t => {
    process.env.SLUICE_TEST_USER = 'the-user'
    t.after(() => delete process.env.SLUICE_TEST_USER)
    const text = `${minimal.replace(
      'here: { protocol: memory }',
      'here: { protocol: memory }\n  mq: { protocol: stomp, urls: [stomps://b:1], username: "${env:SLUICE_TEST_USER}", password: hunter2 }',
    )}  more:
    from: { connection: mq, queue: q }
    targets: { main: { connection: here, queue: out } }
    dead_letter: [{ connection: here, queue: dead }, { folder: /tmp/dead }]
    mapping: [{ set: { group_id: "\${headers.a}" } }]
`
    const printed = printConfig(loadText('f.yaml', text))
    assert.doesNotMatch(printed, /hunter2|the-user/)
    assert.match(printed, /username: \$\{env:SLUICE_TEST_USER\}/)
    assert.match(printed, /password: "\*\*\*"/)
    assert.match(printed, /connect_timeout: 10s/)
    assert.equal(printConfig(loadText('f.yaml', printed)), printed)
  })

  it('never shows a secret in a problem', t => {
    const text = minimal.replace(
      'here: { protocol: memory }',
      'here: { protocol: memory }\n  mq: { protocol: stomp, urls: ["stomp://joe:hunter2@b:1"], username: u, password: 12345678 }',
    )
    const problems = problemsOf(text).join('\n')
    assert.doesNotMatch(problems, /hunter2|12345678/)
    assert.match(problems, /connections\.mq\.password: expected a text, found a number \(not shown\)/)
    assert.match(problems, /without credentials/)
    process.env.SLUICE_TEST_SECRET = 's3cret#word/7'
    t.after(() => delete process.env.SLUICE_TEST_SECRET)
    for (const url of [
      'amqps://app:${env:SLUICE_TEST_SECRET}@mq',
      'rabbit://app:s3cret#word/7@mq',
      '${env:SLUICE_TEST_SECRET}',
    ]) {
      const wrong = minimal.replace(
        'here: { protocol: memory }',
        `here: { protocol: memory }\n  mq: { protocol: amqp10, urls: ["${url}"] }`,
      )
      const said = problemsOf(wrong).join('\n')
      assert.match(said, /connections\.mq\.urls\[0\]/)
      assert.doesNotMatch(said, /s3cret/)
    }
  })

  it('refuses durations and sizes that no timer and no buffer can have', () => {
    for (const wrong of [
      'stop_timeout: 60d',
      'stop_timeout: 0s',
      'defaults: { buffer: { max_bytes: 0B } }',
    ]) {
      assert.match(problemsOf(`${minimal}${wrong}\n`)[0] ?? '', /expected a (duration|size)/)
    }
  })

  it('says where, also for an alias without its anchor and a URL that cannot be decoded', () => {
    assert.match(problemsOf(`${minimal}x: *nowhere\n`)[0] ?? '', /^f\.yaml:\d+:\d+: no well-formed YAML/)
    const wrong = minimal.replace('here: {', 'mq: { protocol: amqp091, urls: ["amqp://h/%zz"] }\n  here: {')
    assert.match(problemsOf(wrong)[0] ?? '', /^f\.yaml:3:\d+: connections\.mq\.urls\[0\]: expected a URL/)
  })

  it('finds expressions that are not well-formed', () => {
    const [problem] = problemsOf(`${minimal}    mapping:\n      - drop_if: "headers.("\n`)
    assert.match(problem ?? '', /^f\.yaml:10:28: routes\.orders\.mapping\[0\]\.drop_if: not well-formed: /)
  })

  it('has 300 routes checked in under a second', () => {
    const routes = Array.from(
      { length: 300 },
      (_, i) => `  r${i}:
    from: { connection: here, queue: in${i} }
    targets: { main: { connection: here, queue: out } }
`,
    )
    const text = `connections:\n  here: { protocol: memory }\ndefaults: { dead_letter: [{ folder: /tmp/d }] }\nroutes:\n${routes.join('')}`
    const began = performance.now()
    assert.equal(loadText('f.yaml', text).config.routes.length, 300)
    assert.ok(performance.now() - began < 1_000)
  })
})
