import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { startSluice } from '../support/bridge-process.ts'
import { until } from '../support/until.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const good = `
connections: { here: { protocol: memory } }
routes:
  orders:
    from: { connection: here, queue: in }
    targets: { main: { connection: here, queue: out } }
    dead_letter: [{ folder: ${join(folder, 'dead')} }]
admin: { port: 0 }
`

async function finished(t: TestContext, ...args: readonly string[]) {
  const { code, out, err } = startSluice(t, ...args)
  return { code: await code, out: out(), err: err() }
}

describe('the command line', () => {
  it('exits 2 with the usage when it is told nothing or something unknown', async t => {
    const nothing = await finished(t)
    assert.equal(nothing.code, 2)
    assert.match(nothing.err, /Usage: sluice/)
    const unknown = await finished(t, 'frobnicate')
    assert.equal(unknown.code, 2)
    assert.match(unknown.err, /unknown command 'frobnicate'/)
  })

  it('validates: 0 and a sentence, or 2 and every mistake', async t => {
    const well = await finished(t, 'validate', file('good.yaml', good))
    assert.deepEqual([well.code, well.err], [0, ''])
    assert.match(well.out, /is well: 1 route, 1 connection/)
    const bad = await finished(
      t,
      'validate',
      file('bad.yaml', good.replace('queue: in', 'queu: in').replace('port: 0', 'port: x')),
    )
    assert.equal(bad.code, 2)
    assert.equal(bad.err.trim().split('\n').length, 3)
    assert.match(
      bad.err,
      /bad\.yaml:5:31: routes\.orders\.from\.queu: unknown key \(did you mean "queue"\?\)/,
    )
    const tests = `${good}\ntests: [{ name: t, route: nowhere, message: {}, expect: { main: { dropped: true } } }]\n`
    const untested = await finished(t, 'validate', file('untested.yaml', tests))
    assert.equal(untested.code, 2)
    assert.match(untested.err, /tests\[0\]\.route: there is no route "nowhere"/)
    const gone = await finished(t, 'validate', join(folder, 'none.yaml'))
    assert.equal(gone.code, 2)
    assert.match(gone.err, /none\.yaml:1:1: the file cannot be read/)
  })

  it('tries every link with --connect and says which work', async t => {
    const text = good.replace(/dead_letter: .*/, 'dead_letter: [{ folder: /dev/null/no }]')
    const { code, out } = await finished(t, 'validate', file('links.yaml', text), '--connect')
    assert.equal(code, 1)
    assert.match(out, /works {2}routes\.orders\.from\n/)
    assert.match(out, /works {2}routes\.orders\.targets\.main\n/)
    assert.match(out, /FAILS {2}routes\.orders\.dead_letter\[0\]: .*\/dev\/null\/no/)
  })

  it('prints the JSON Schema', async t => {
    const { code, out } = await finished(t, 'schema')
    assert.equal(code, 0)
    const schema = JSON.parse(out)
    assert.ok(schema.properties.routes && schema.properties.connections)
  })

  it('runs, serves health and metrics, and stops in order on SIGTERM', async t => {
    const running = startSluice(t, 'run', file('run.yaml', good))
    await until(() => running.out().includes('"link":"source"'), { what: 'the source to connect' })
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.out())?.[0]
    const get = async (path: string) => {
      const response = await fetch(url + path)
      return { status: response.status, text: await response.text() }
    }
    assert.equal((await get('/healthz')).status, 200)
    assert.equal((await get('/readyz')).status, 200)
    assert.deepEqual(JSON.parse((await get('/readyz?strict')).text), { status: 'ok', down: [] })
    const metrics = (await get('/metrics')).text
    assert.match(metrics, /sluice_source_up\{route="orders",protocol="memory"\} 1/)
    assert.match(metrics, /sluice_breaker_state\{route="orders",target="main"\} 0/)
    running.child.kill('SIGTERM')
    assert.equal(await running.code, 0)
    assert.match(running.out(), /stopped; everything was finished/)
  })

  it('is ready without its broker, and strictly not', async t => {
    const text = good
      .replace('protocol: memory', 'protocol: memory }, mq: { protocol: stomp, urls: [stomp://127.0.0.1:1]')
      .replace('from: { connection: here, queue: in }', 'from: { connection: mq, queue: in }')
    const running = startSluice(t, 'run', file('down.yaml', text))
    await until(() => running.out().includes('trying again'), { what: 'a failed connection' })
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(running.out())?.[0]
    assert.equal((await fetch(`${url}/readyz`)).status, 200)
    const strict = await fetch(`${url}/readyz?strict`)
    assert.equal(strict.status, 503)
    assert.match(await strict.text(), /"link":"source","error":"[^"]*127\.0\.0\.1:1/)
    running.child.kill('SIGTERM')
    assert.equal(await running.code, 0)
  })

  it('exits 1 when its port is taken, and says what to change', async t => {
    const first = startSluice(t, 'run', file('first.yaml', good))
    await until(() => first.out().includes('running'), { what: 'the first' })
    const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(first.out())?.[1]
    const second = await finished(t, 'run', file('second.yaml', good.replace('port: 0', `port: ${port}`)))
    assert.equal(second.code, 1)
    assert.match(second.out, /another port can be set under admin\.port/)
  })
})
