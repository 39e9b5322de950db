import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import { problemsIn } from '../support/problems.ts'

const file = (routes: string) => `
connections: { here: { protocol: memory } }
defaults: { dead_letter: [{ folder: /tmp/dead }] }
routes:
${routes}`

const problemsOf = (text: string) => problemsIn(options => loadText('f.yaml', text, options))

const plain = file(`
  orders-\${item}:
    for_each: [ORDERS, INVOICES]
    from: { connection: here, queue: "\${item}" }
    mapping:
      - set: { headers: { kind: "\${item}", from: "\${address}" } }
      - drop_if: headers.kind = "no \${item}"
    targets: { main: { connection: here, queue: "out-\${item}" } }
`)

const queueOf = (end: { readonly options: unknown } | undefined) => (end!.options as { queue: string }).queue

describe('for_each', () => {
  it('makes a route for each item, whose text stands in the name and in all texts', () => {
    const { routes } = loadText('f.yaml', plain).config
    assert.deepEqual(
      routes.map(({ name, from, targets, mapping }) => [
        name,
        queueOf(from.at),
        queueOf(targets.get('main')?.at),
        JSON.stringify(mapping),
      ]),
      ['ORDERS', 'INVOICES'].map(item => [
        `orders-${item}`,
        item,
        `out-${item}`,
        JSON.stringify([
          { set: { headers: { kind: item, from: '${address}' } } },
          { drop_if: `headers.kind = "no ${item}"` },
        ]),
      ]),
    )
  })

  it('takes maps, whose values keep their kinds where they stand alone', () => {
    const { routes } = loadText(
      'f.yaml',
      file(`
  r-\${item.to}:
    for_each:
      - { from: IN.A, to: a, size: 5, rules: [{ drop_if: "true" }], deep: { er: x } }
      - { from: IN.B, to: b, size: 6, rules: [], deep: { er: y } }
    from: { connection: here, queue: "\${item.from}", prefetch: "\${item.size}" }
    mapping: "\${item.rules}"
    targets: { main: { connection: here, queue: "\${item.to}.\${item.deep.er}" } }
`),
    ).config
    assert.deepEqual(
      routes.map(({ name, from, targets, mapping }) => [
        name,
        from.at.options.prefetch,
        queueOf(targets.get('main')?.at),
        mapping.length,
      ]),
      [
        ['r-a', 5, 'a.x', 1],
        ['r-b', 6, 'b.y', 0],
      ],
    )
  })

  it('comes before variables, which an item may name', t => {
    process.env.SLUICE_TEST_QUEUE_A = 'from the environment'
    t.after(() => delete process.env.SLUICE_TEST_QUEUE_A)
    const text = plain
      .replace('[ORDERS, INVOICES]', '[A, "${env:SLUICE_TEST_QUEUE_A}"]')
      .replace('queue: "${item}"', 'queue: "${env:SLUICE_TEST_QUEUE_${item}}"')
    assert.match(problemsOf(text)[0] ?? '', /the name orders-|expected a name/)
    const [route] = loadText('f.yaml', text.replace(/, "\$\{env:SLUICE_TEST_QUEUE_A\}"/, '')).config.routes
    assert.equal(queueOf(route?.from.at), 'from the environment')
  })

  it('is gone from what is printed, which loads again', () => {
    const printed = printConfig(loadText('f.yaml', plain))
    assert.doesNotMatch(printed, /for_each|item/)
    assert.equal(printConfig(loadText('f.yaml', printed)), printed)
  })

  it('places a mistake at the text and names the items, once for all that make it', () => {
    const wrong = plain.replace('queue: "${item}"', 'queu: "${item}"')
    assert.deepEqual(problemsOf(wrong), [
      'f.yaml:8:5: routes["orders-${item}"].from.queue: missing; expected a text (item ORDERS and item INVOICES)',
      'f.yaml:8:31: routes["orders-${item}"].from.queu: unknown key (did you mean "queue"?) (item ORDERS and item INVOICES)',
    ])
    assert.deepEqual(problemsOf(plain.replace('orders-${item}', 'orders-${item.name}')), [
      'f.yaml:6:3: routes["orders-${item.name}"]: ${item.name} is not there: the item has no name, and it is no map (item ORDERS and item INVOICES)',
    ])
    const many = file(`
  r-\${item}:
    for_each: [${Array.from({ length: 300 }, (_, i) => `q${i}`).join(', ')}]
    from: { connection: here, queue: "\${item}", prefetch: 0 }
    targets: { main: { connection: here, queue: x } }
`)
    assert.deepEqual(problemsOf(many), [
      'f.yaml:8:59: routes["r-${item}"].from.prefetch: expected at least 1, found 0 (item q0, item q1, item q2 and 297 more)',
    ])
  })

  it('places a mistake of one item in an expression', () => {
    const [problem, ...others] = problemsOf(
      plain
        .replace('[ORDERS, INVOICES]', "[{ n: A, q: a }, { n: B, q: 'b\"' }]")
        .replace('orders-${item}', 'orders-${item.n}')
        .replaceAll('${item}', '${item.q}'),
    )
    assert.match(
      problem ?? '',
      /^f\.yaml:11:\d+: routes\["orders-\$\{item\.n\}"\]\.mapping\[1\].*item 2 \(n: B\)\)$/,
    )
    assert.deepEqual(others, [])
  })

  it('demands names that are different, and names', () => {
    assert.deepEqual(problemsOf(plain.replace('orders-${item}', 'orders')), [
      'f.yaml:6:3: routes.orders: the route orders for item INVOICES is there already, at f.yaml:6:3 for item ORDERS: write ${item} in the name',
    ])
    assert.deepEqual(problemsOf(plain.replace('INVOICES]', 'ORDERS]')), [
      'f.yaml:6:3: routes["orders-${item}"]: the route orders-ORDERS for item ORDERS is there already, at f.yaml:6:3 for item ORDERS',
    ])
    assert.deepEqual(
      problemsOf(
        `${plain}  orders-ORDERS:\n    from: { connection: here, queue: q }\n    targets: { main: { connection: here, queue: x } }\n`,
      ),
      [
        'f.yaml:13:3: routes.orders-ORDERS: the route orders-ORDERS is there already, at f.yaml:6:3 for item ORDERS',
      ],
    )
    assert.deepEqual(problemsOf(plain.replace('INVOICES]', 'IN/VOICES]')), [
      'f.yaml:6:3: routes["orders-${item}"]: expected a name of letters, digits, "_", "-" and ".", found "orders-IN/VOICES" (item IN/VOICES)',
    ])
  })

  it('says what items are, and where they may stand', () => {
    const said = (from: string, to: string) => problemsOf(plain.replace(from, to))[0] ?? ''
    assert.match(
      said('[ORDERS, INVOICES]', '[]'),
      /^f\.yaml:7:5: routes\[.*\]\.for_each: expected at least one item/,
    )
    assert.match(
      said('[ORDERS, INVOICES]', '[A, 007]'),
      /f\.yaml:7:19: .*for_each\[1\]: expected a text \(a number is written in quotes\) or a map, found 7/,
    )
    assert.match(said('[ORDERS, INVOICES]', 'ORDERS'), /for_each: expected a list, found "ORDERS"/)
    assert.match(
      said('"out-${item}"', '"${item.to}"'),
      /^f\.yaml:12:49: .*\.targets\.main\.queue: \$\{item\.to\} is not there: the item has no to, and it is no map \(item ORDERS and item INVOICES\)/,
    )
    assert.match(said('out-${item}', '${ item }'), /\$\{ item \} is no place of an item: write \$\{item\}/)
    assert.match(said('out-${item}', '${item & 1}'), /is no place of an item/)
    const key = plain.replace(
      'queue: "out-${item}"',
      'queue: out, mapping: [{ set: { headers: { "x-${item}": y } } }]',
    )
    assert.deepEqual(problemsOf(key), [
      'f.yaml:12:84: routes["orders-${item}"].targets.main.mapping[0].set.headers["x-${item}"]: ${item} stands in a key, where nothing is replaced (item ORDERS and item INVOICES)',
    ])
    const shard = file(`
  r-\${item.n}:
    for_each: [{ n: a, shard: 7 }]
    from: { connection: here, queue: "in-\${item.shard}" }
    targets: { main: { connection: here, queue: "x-\${item}" } }
`)
    assert.deepEqual(problemsOf(shard), [
      'f.yaml:8:38: routes["r-${item.n}"].from.queue: ${item.shard} is no text but 7: beside other text stands only a text, in quotes (item 1 (n: a))',
      'f.yaml:9:49: routes["r-${item.n}"].targets.main.queue: ${item} is a map with n, shard: beside other text stands only a text, in quotes (item 1 (n: a))',
    ])
  })

  it('is missing where ${item} stands without it', () => {
    const [first, second] = problemsOf(
      plain.replace(/ {4}for_each.*\n/, '').replace('orders-${item}', 'orders'),
    )
    assert.match(
      first ?? '',
      /^f\.yaml:7:38: routes\.orders\.from\.queue: \$\{item\} stands for an item of for_each, and this route has none/,
    )
    assert.match(second ?? '', /^f\.yaml:9:33: /)
  })
})

describe('anchors and merge keys', () => {
  const text = file(`
  a: &route
    from: &from { connection: here, queue: in, prefetch: 5 }
    targets: { main: { connection: here, queue: out } }
  b:
    <<: *route
    from: { <<: *from, queue: b }
  c: { <<: [{ ordering: none }, *route] }
`)

  it('share what routes have in common', () => {
    const { routes } = loadText('f.yaml', text).config
    assert.deepEqual(
      routes.map(({ name, from }) => [name, queueOf(from.at), from.at.options.prefetch]),
      [
        ['a', 'in', 5],
        ['b', 'b', 5],
        ['c', 'in', 5],
      ],
    )
  })

  it('have mistakes at the text that is shared', () => {
    assert.deepEqual(problemsOf(text.replace('prefetch: 5', 'prefetch: 0')), [
      'f.yaml:7:58: routes.a.from.prefetch: expected at least 1, found 0',
      'f.yaml:7:58: routes.b.from.prefetch: expected at least 1, found 0',
      'f.yaml:7:58: routes.c.from.prefetch: expected at least 1, found 0',
    ])
  })

  it('serve 300 routes, and no endless nesting', () => {
    const more = Array.from({ length: 300 }, (_, i) => `  r${i}: { <<: *route }\n`).join('')
    assert.equal(loadText('f.yaml', `${text}${more}`).config.routes.length, 303)
    const bomb = Array.from(
      { length: 9 },
      (_, i) => `  b${i + 1}: &b${i + 1} [${Array.from({ length: 9 }, () => `*b${i}`).join(', ')}]\n`,
    )
    assert.match(problemsOf(file(`  b0: &b0 x\n${bomb.join('')}`))[0] ?? '', /no well-formed YAML: .*alias/)
    assert.match(problemsOf(file('  a: &a { from: *a }\n'))[0] ?? '', /no well-formed YAML: .*itself/)
  })
})
