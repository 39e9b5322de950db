import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { SaxesParser } from 'saxes'
import { stringify } from 'yaml'
import { wayOf } from '../../src/bridge.ts'
import { load, loadText } from '../../src/config/load.ts'
import { reports } from '../../src/explain/reports.ts'
import { runTests, type TestDone } from '../../src/explain/run-tests.ts'
import { startSluice } from '../support/bridge-process.ts'

const top = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'))

const bridge = {
  connections: {
    here: { protocol: 'memory' },
    mq: {
      protocol: 'amqp091',
      urls: ['amqp://nobody.invalid'],
      username: 'u',
      password: '${env:SLUICE_NOT_SET}',
    },
    cloud: { protocol: 'sqs' },
  },
  defaults: { dead_letter: [{ folder: '/var/lib/sluice/dead' }] },
  routes: {
    orders: {
      from: { connection: 'here', queue: 'in' },
      mapping: [{ drop_if: 'headers.kind = "heartbeat"' }, { set: { headers: { tenant: 'acme' } } }],
      targets: { main: { connection: 'cloud', queue: 'orders' }, copy: { connection: 'mq', queue: 'copy' } },
    },
  },
}

const message = { body: { json: { id: 7, list: [1, 2] } }, headers: { qty: { int64: '5' } } }
const written = (...tests: readonly object[]) =>
  stringify({
    ...bridge,
    tests: tests.map((test, i) => ({ name: `test ${i + 1}`, route: 'orders', message, ...test })),
  })

async function run(text: string, filter?: string): Promise<readonly TestDone[]> {
  const { config, place } = loadText(join(folder, 'sluice.yaml'), text, { standIns: true })
  const ways = new Map(config.routes.map(route => [route.name, wayOf(route, config)]))
  return runTests({ written: config.tests, ways, place }, filter)
}

/** `what: expected / found` of each difference of one test. */
async function found(expect: object, more: object = {}): Promise<readonly string[]> {
  const [done] = await run(written({ expect, ...more }))
  return done!.differences.map(d => `${d.target} ${d.what}: ${d.expected} / ${d.found}`)
}

/** The test cases of JUnit's XML, and its text. Throws where it is not well-formed. */
function parsed(xml: string) {
  const names: string[] = []
  let texts = ''
  const parser = new SaxesParser()
  parser.on('error', error => assert.fail(error))
  parser.on('opentag', ({ name, attributes }) => {
    if (name === 'testcase') names.push(attributes.name!)
  })
  parser.on('text', text => {
    texts += text
  })
  parser.write(xml).close()
  return { names, texts }
}

describe('sluice test', () => {
  it('passes what is as it says: address, body, fields with types, at each target', async () => {
    const main = {
      address: 'orders',
      body: '{"id":7,"list":[1,2]}',
      body_json: { list: [1, 2], id: 7 },
      fields: { qty: { type: 'Number.long', value: 5 }, tenant: 'acme', 'MessageAttributes/tenant': 'acme' },
      no_fields: ['x-*', 'MessageGroupId'],
    }
    const copy = { address: 'copy', fields: { 'headers/qty': { type: 'long-long-int' }, 'delivery-mode': 2 } }
    assert.deepEqual(await found({ main, copy }), [])
    const only = { qty: 5, tenant: 'acme', sluice_properties: '{"trail":"sluice/orders"}' }
    assert.deepEqual(await found({ main: { fields: only, only_fields: true } }), [])
  })

  it('says each difference by itself', async () => {
    const main = {
      address: 'x',
      body: 'y',
      body_json: { id: 8, list: [1, 3], more: true },
      fields: { qty: { type: 'Number.int', value: 5 }, tenant: 'other', none: 1 },
      no_fields: ['ten*'],
    }
    assert.deepEqual(await found({ main }), [
      'main address: x / orders',
      'main body: y / {"id":7,"list":[1,2]}',
      'main body.id: 8 / 7',
      'main body.list[1]: 3 / 2',
      'main body.more: true / not there',
      'main field qty: Number.int 5 / Number.long 5',
      'main field tenant: other / acme',
      'main field none: 1 / not there',
      'main field MessageAttributes/tenant: not there / String acme',
    ])
    assert.deepEqual(await found({ main: { fields: { qty: 5, tenant: 'acme' }, only_fields: true } }), [
      'main field MessageAttributes/sluice_properties: not there / String {"trail":"sluice/orders"}',
    ])
  })

  it('knows numbers that JavaScript rounds from their neighbours', async () => {
    const big = { message: { body: '{"n":9007199254740993}' } }
    assert.deepEqual(await found({ main: { body_json: { n: '9007199254740993' } } }, big), [])
    assert.equal((await found({ main: { body_json: { n: '9007199254740992' } } }, big)).length, 1)
  })

  it('tells dropped, refused and sent from each other', async () => {
    const heartbeat = { message: { headers: { kind: 'heartbeat' } } }
    assert.deepEqual(await found({ main: { dropped: true }, copy: { dropped: true } }, heartbeat), [])
    assert.deepEqual(await found({ main: { dropped: true } }), ['main the end: dropped / sent to orders'])
    assert.deepEqual(await found({ main: { address: 'orders' } }, heartbeat), [
      'main the end: sent / dropped by rule 1 (drop_if)',
    ])
    const bad = { message: { properties: { delay: '1h' } } }
    assert.deepEqual(await found({ main: { refused: 'delay of 3600 s, and .* 900 s' } }, bad), [])
    assert.match(
      (await found({ main: { refused: 'something else' } }, bad))[0]!,
      /a reason like .* \/ dead-lettered: the message has a delay/,
    )
  })

  it('finds what is wrong with tests before it runs any, with places', async () => {
    const text = written(
      { route: 'order', expect: { main: { dropped: true } } },
      { expect: { mian: { dropped: true } } },
      { message: { headers: { n: { int8: 300 } } }, expect: { main: { dropped: true } } },
    )
    await assert.rejects(run(text), (error: Error) => {
      assert.match(error.message, /tests\[0\]\.route: there is no route "order" \(did you mean "orders"\?\)/)
      assert.match(
        error.message,
        /tests\[1\]\.expect\.mian: the route has no target "mian" \(did you mean "main"\?\)/,
      )
      assert.match(error.message, /tests\[2\]\.message\.headers\.n: 300 is no value of the type int8/)
      return true
    })
    const both = written({ expect: { main: { dropped: true, address: 'x' } } })
    assert.throws(() => loadText('sluice.yaml', both, { standIns: true }), /has nothing else to expect/)
    const pattern = written({ expect: { main: { refused: '(' } } })
    assert.throws(() => loadText('sluice.yaml', pattern, { standIns: true }), /expected a regular expression/)
  })

  it('is reported for people, as TAP and as JUnit', async () => {
    const done = await run(
      written(
        { name: 'one # & <two>', expect: { main: { address: 'x' } } },
        { expect: { main: { address: 'orders' } } },
      ),
    )
    assert.match(
      reports.readable(done),
      /^FAILS {2}one # & <two> \(route orders, .*sluice\.yaml:\d+:\d+\)\n {2}target main, address\n {4}expected x\n {4}found {4}orders\npasses test 2\n[\s\S]*2 tests, 1 fails$/,
    )
    assert.match(
      reports.tap(done),
      /^TAP version 14\n1\.\.2\nnot ok 1 - one \\# & <two>\n {2}---\n[\s\S]*\n {2}\.\.\.\nok 2 - test 2$/,
    )
    const { names, texts } = parsed(reports.junit(done))
    assert.deepEqual(names, ['one # & <two>', 'test 2'])
    assert.match(texts, /expected x\n {4}found {4}orders/)
    const odd = await run(written({ name: 'a\0\ud800\ufffe\uffff', expect: { main: { body: ']]>\uffff' } } }))
    assert.deepEqual(parsed(reports.junit(odd)).names, ['a\\u0000\\ud800\\ufffe\\uffff'])
  })

  it('runs those whose name holds the filter', async () => {
    const expect = { main: { address: 'orders' } }
    const done = await run(written({ name: 'an apple', expect }, { name: 'a pear', expect }), 'pear')
    assert.deepEqual(
      done.map(d => d.name),
      ['a pear'],
    )
  })

  async function finished(t: TestContext, ...args: readonly string[]) {
    const { code, out, err } = startSluice(t, 'test', ...args)
    return { code: await code, out: out(), err: err() }
  }

  it('is a command: 0 when all pass, 1 when one fails, 2 when nothing can be run', async t => {
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const well = await finished(t, file('well.yaml', written({ expect: { main: { address: 'orders' } } })))
    assert.deepEqual([well.code, well.out, well.err], [0, 'passes test 1\n\n1 test, all pass\n', ''])
    const failing = file('failing.yaml', written({ expect: { main: { address: 'x' } } }))
    const failed = await finished(t, failing, '--format', 'tap')
    assert.equal(failed.code, 1)
    assert.match(failed.out, /^TAP version 14\n1\.\.1\nnot ok 1 - test 1\n/)
    const none = await finished(t, failing, '--filter', 'other')
    assert.deepEqual([none.code, none.err], [2, `no name of a test in ${failing} holds "other"\n`])
    const wrong = await finished(t, file('wrong.yaml', written({ expect: {} })))
    assert.equal(wrong.code, 2)
  })
})

describe('the tests of examples', () => {
  const files = [...globSync('config/**/*.yaml', { cwd: top }), ...globSync('docs/**/*.yaml', { cwd: top })]
  for (const file of files.filter(f => /^tests:/m.test(readFileSync(join(top, f), 'utf8'))).sort()) {
    it(`${file} passes`, async () => {
      const { config, place } = await load(join(top, file), { standIns: true })
      const ways = new Map(config.routes.map(route => [route.name, wayOf(route, config)]))
      const done = await runTests({ written: config.tests, ways, place })
      assert.ok(done.length > 0)
      assert.ok(
        done.every(({ differences }) => differences.length === 0),
        reports.readable(done),
      )
    })
  }
})
