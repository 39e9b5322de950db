import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { adapters } from '../../src/adapters/index.ts'
import { checkAddresses, checkRule } from '../../src/bridge.ts'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { load, loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { problemsIn } from '../support/problems.ts'

const file = (defaults: string, routes: string) => `
connections:
  here: { protocol: memory }
  there: { protocol: memory }
  cloud: { protocol: sqs }
defaults:
  dead_letter: [{ connection: here, queue: dead }]
${defaults}
routes:
${routes}`

const route = (
  name: string,
  from = 'connection: here, queue: in',
  target = 'connection: here, queue: out',
) => `  ${name}:
    from: { ${from} }
    targets: { main: { ${target} } }
`

const problemsOf = (text: string) => problemsIn(options => loadText('f.yaml', text, options))

describe('defaults', () => {
  it('have rules that come before those of each route', () => {
    const text = file(
      '  mapping: [{ drop_if: "headers.a = 1" }]',
      `${route('a')}    mapping: [{ drop_if: "headers.b = 1" }]\n${route('b')}`,
    )
    const loaded = loadText('f.yaml', text)
    const rules = loaded.config.routes.map(r => r.mapping.map(rule => rule.drop_if))
    assert.deepEqual(rules, [['headers.a = 1', 'headers.b = 1'], ['headers.a = 1']])
    const printed = printConfig(loaded)
    assert.equal(printConfig(loadText('f.yaml', printed)), printed)
  })

  it('have mistakes in rules where they stand, once', () => {
    const [common, own, ...others] = problemsOf(
      file(
        '  mapping: [{ drop_if: "headers.(" }]',
        `${route('a')}    mapping:\n      - drop_if: "x("\n${route('b')}`,
      ),
    )
    assert.match(common ?? '', /^f\.yaml:8:\d+: defaults\.mapping\[0\].*: not well-formed/)
    assert.match(own ?? '', /^f\.yaml:14:\d+: routes\.a\.mapping\[0\].*: not well-formed/)
    assert.deepEqual(others, [])
  })

  it('have keys of ends, by connection, which an end replaces', () => {
    const text = file(
      '  from: { here: { prefetch: 7 }, there: { prefetch: 8 } }\n  targets: { here: { max_message_size: 1KiB } }',
      route('a') +
        route('b', 'connection: here, queue: in, prefetch: 9') +
        route('c', 'connection: there, queue: in'),
    )
    const { routes } = loadText('f.yaml', text).config
    assert.deepEqual(
      routes.map(({ from }) => from.at.options.prefetch),
      [7, 9, 8],
    )
    const sizeOf = (end: { readonly options: unknown }) =>
      (end.options as { max_message_size: number }).max_message_size
    assert.equal(sizeOf(routes[0]!.targets.get('main')!.at), 1024)
    const [place] = routes[0]!.deadLetters
    assert.notEqual(sizeOf('end' in place! ? place.end.at : assert.fail()), 1024)
  })

  it('have mistakes in keys of ends where they stand, and name the routes', () => {
    assert.deepEqual(
      problemsOf(
        file(
          '  from: { here: { prefetch: 0, prefech: 3 } }',
          route('a') + route('b') + route('c', 'connection: here'),
        ),
      ),
      [
        'f.yaml:8:29: defaults.from.here.prefetch: expected at least 1, found 0 (route a, route b and route c)',
        'f.yaml:8:32: defaults.from.here.prefech: unknown key (did you mean "prefetch"?) (route a, route b and route c)',
        'f.yaml:17:5: routes.c.from.queue: missing; expected a text',
      ],
    )
    assert.deepEqual(
      problemsOf(
        file('  from: { her: {} }\n  targets: { cloud: { wait: 3 }, here: 3 }\n  form: {}', route('a')),
      ),
      [
        'f.yaml:8:11: defaults.from.her: there is no connection "her" (did you mean "here"?)',
        'f.yaml:9:40: defaults.targets.here: expected a map of names, found 3',
        'f.yaml:10:3: defaults.form: unknown key (did you mean "from"?)',
      ],
    )
    const { warnings } = loadText('f.yaml', file('  targets: { cloud: { wait: 3 } }', route('a')))
    assert.deepEqual(warnings.map(formatProblem), [
      'f.yaml:8:14: warning: defaults.targets.cloud: no route sends to the connection cloud, so these keys are not checked',
    ])
  })

  it('have no items', () => {
    assert.match(
      problemsOf(file('  mapping: [{ set: { group_id: "${item}" } }]', route('a')))[0] ?? '',
      /^f\.yaml:8:\d+: defaults\.mapping\[0\]\.set\.group_id: \$\{item\} stands for an item of for_each, and defaults/,
    )
  })
})

describe('the JSON Schema', () => {
  it('knows what many routes need', () => {
    interface Json {
      readonly [key: string]: Json
    }
    const { properties } = jsonSchema(adapters) as unknown as Json
    assert.ok(properties!.include)
    const { routes, defaults } = properties as Json
    assert.ok(routes!.additionalProperties!.properties!.for_each)
    const names = new RegExp(String(routes!.propertyNames!.pattern))
    for (const name of ['a', 'orders-${item}', '${item.name}-x']) assert.match(name, names)
    for (const name of ['', 'a b', '${items}', '${item']) assert.doesNotMatch(name, names)
    // A value that comes from an item, wherever a number, a choice or a list stands.
    const route = routes!.additionalProperties!.properties as Json
    const isItem = ({ anyOf }: Json) =>
      new RegExp(String((anyOf as unknown as readonly Json[])[1]!.pattern)).test('${item.a}')
    const [source] = route.from!.anyOf as unknown as readonly Json[]
    assert.ok([route.mapping!, route.ordering!, route.max_hops!, source!.properties!.prefetch!].every(isItem))
    const { from, targets, mapping } = defaults!.properties as Json
    assert.ok(mapping)
    for (const ends of [from, targets]) {
      const forms = ends!.additionalProperties!.anyOf as unknown as readonly {
        required: unknown[]
        title: string
      }[]
      assert.ok(forms.some(({ title }) => title === 'sqs'))
      assert.ok(forms.every(({ required }) => required.length === 0))
    }
  })
})

/** What a migrator with three hundred queues may have: a file of routes for each ten of them, each with rules of its own. */
function write300(folder: string): string {
  mkdirSync(join(folder, 'routes'))
  for (let team = 0; team < 30; team++) {
    const routes = Array.from(
      { length: 9 },
      (_, i) => `
  team${team}-${i}:
    from: { connection: mq, queue: T${team}.Q${i}, exclusive: true }
    mapping:
      - drop_if: headers.kind = "test" and body.amount > ${i}
      - set: { group_id: "\${headers.account}", headers: { tenant: "t${team}", at: "\${$uppercase(address)} / ${i}" } }
    targets:
      main: { connection: queues, queue: team${team}-${i}.fifo }
      copy: { connection: queues, queue: copy }
`,
    )
    const each = `
  each${team}-\${item}:
    for_each: [A]
    from: { connection: mq, queue: "E${team}.\${item}" }
    mapping: [{ set: { headers: { item: "\${item}" } } }]
    targets: { main: { connection: queues, queue: "each${team}-\${item}" } }
`
    writeFileSync(join(folder, `routes/team${team}.yaml`), `routes:${routes.join('')}${each}`)
  }
  const main = join(folder, 'main.yaml')
  writeFileSync(
    main,
    `
include: [routes/*.yaml]
connections:
  mq: { protocol: amqp10, urls: ["amqp://localhost"] }
  queues: { protocol: sqs, region: eu-west-1 }
defaults:
  from: { mq: { prefetch: 20 } }
  targets: { queues: { send_timeout: 10s } }
  mapping:
    - drop_if: headers.kind = "heartbeat" or $contains(address, "test")
    - set: { headers: { from: "\${address}", at: "\${$now()}" } }
  dead_letter: [{ folder: /tmp/dead }]
`,
  )
  return main
}

describe('300 routes', () => {
  it('are checked in under a second of CPU, and share their connections', async t => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-many-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const main = write300(folder)
    const before = process.cpuUsage()
    const { config } = await load(main, { checkRule })
    assert.deepEqual(checkAddresses(config), [])
    const { user, system } = process.cpuUsage(before)
    assert.equal(config.routes.length, 300)
    t.diagnostic(`${((user + system) / 1000).toFixed(0)} ms`)
    assert.ok(user + system < 1_000_000, `${user + system} us`)
    // What adapters share a connection by is its object.
    const ends = config.routes.flatMap(({ from, targets }) => [
      from.at,
      ...Array.from(targets.values(), e => e.at),
    ])
    assert.equal(new Set(ends.map(at => at.connection)).size, 2)
    const { stdout } = spawnSync(process.execPath, [
      join(import.meta.dirname, '../../src/main.ts'),
      'validate',
      main,
    ])
    assert.match(stdout.toString(), /is well: 300 routes, 2 connections/)
  })
})
