import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { load, loadText } from '../../src/config/load.ts'
import { printConfig } from '../../src/config/print.ts'
import { type ConfigInvalid, formatProblem } from '../../src/config/problem.ts'
import { problemsIn } from '../support/problems.ts'

/** Writes the files into a folder of their own; the main file is `main.yaml`. */
function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-include-'))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

function problemsOf(t: TestContext, files: Readonly<Record<string, string>>): readonly string[] {
  const folder = folderOf(t, files)
  const main = join(folder, 'main.yaml')
  return problemsIn(options => loadText(main, readFileSync(main, 'utf8'), options)).map(said =>
    said.replaceAll(`${folder}/`, '').replaceAll(folder, 'FOLDER'),
  )
}

const main = `
include: [routes/*.yaml]
defaults: { dead_letter: [{ folder: /tmp/dead }] }
connections: { here: { protocol: memory } }
`
const route = (name: string, more = '') => `  ${name}:
    from: { connection: here, queue: in }
    targets: { main: { connection: here, queue: out } }
${more}`
const routes = (...names: readonly string[]) => `routes:\n${names.map(n => route(n)).join('')}`

describe('include', () => {
  it('takes the connections and routes of every file that a pattern matches, in the order of their names', async t => {
    const folder = folderOf(t, {
      'main.yaml': `${main}${routes('first')}`,
      'routes/b.yaml': routes('b1', 'b2'),
      'routes/a.yaml': `connections: { there: { protocol: memory } }\n${routes('a').replace('here', 'there')}`,
      'routes/c.yml': 'not: read',
      'routes/.hidden.yaml': 'not: read',
      'routes/folder.yaml/x.txt': 'not a file of the pattern',
    })
    const { config } = await load(join(folder, 'main.yaml'))
    assert.deepEqual(
      config.routes.map(r => r.name),
      ['first', 'a', 'b1', 'b2'],
    )
    assert.deepEqual([...config.connections.keys()], ['here', 'there'])
    assert.equal(config.routes[1]?.from.at.connectionName, 'there')
  })

  it('reads a file once that several patterns match, and not the file itself', async t => {
    const folder = folderOf(t, {
      'main.yaml': main.replace('routes/*.yaml', '"*.yaml", "a.*", "**/*.yaml"'),
      'a.yaml': routes('a'),
      'deep/er/b.yaml': routes('b'),
    })
    const { config } = await load(join(folder, 'main.yaml'))
    assert.deepEqual(
      config.routes.map(r => r.name),
      ['a', 'b'],
    )
  })

  it('reads a folder of links as Kubernetes mounts it', async t => {
    const folder = folderOf(t, { 'main.yaml': main, 'routes/..2026_11_25/a.yaml': routes('a') })
    symlinkSync('..2026_11_25', join(folder, 'routes/..data'))
    symlinkSync('..data/a.yaml', join(folder, 'routes/a.yaml'))
    const { config } = await load(join(folder, 'main.yaml'))
    assert.equal(config.routes.length, 1)
  })

  it('places every mistake in the file where it stands', async t => {
    const wrong = routes('a', 'b')
      .replace('queue: in', 'queu: in')
      .replace(/here(?=, queue: out)/, 'heer')
    assert.deepEqual(
      problemsOf(t, {
        'main.yaml': `${main}log_level: loud\n`,
        'routes/a.yaml': wrong,
        'routes/b.yaml': `# a comment\n${routes('c')}    retry: { max: 5 }\n    mapping: [{ set: { headrs: {} } }]\n`,
        'routes/c.yaml': `connections:\n  far: { protocol: sqs, regio: x }\n`,
      }),
      [
        'main.yaml:5:12: log_level: expected "debug" or "info" or "warn" or "error", found "loud"',
        'routes/a.yaml:3:5: routes.a.from.queue: missing; expected a text',
        'routes/a.yaml:3:31: routes.a.from.queu: unknown key (did you mean "queue"?)',
        'routes/a.yaml:4:36: routes.a.targets.main.connection: there is no connection "heer" (did you mean "here"?)',
        'routes/b.yaml:6:19: routes.c.retry.max: expected a duration from 1ms to 24d, such as 200ms, 30s, 5m or 12h, found 5',
        'routes/b.yaml:7:24: routes.c.mapping[0].set.headrs: unknown key (did you mean "headers"?)',
        'routes/c.yaml:2:25: connections.far.regio: unknown key (did you mean "region"?)',
      ],
    )
    const [expression, ...others] = problemsOf(t, {
      'main.yaml': main,
      'routes/a.yaml': `${routes('a')}    mapping:\n      - drop_if: "headers.("\n`,
    })
    assert.match(expression ?? '', /^routes\/a\.yaml:6:\d+: routes\.a\.mapping\[0\].*: not well-formed: /)
    assert.deepEqual(others, [])
  })

  it('takes tests, whose mistakes and files are where they are written', async t => {
    const test = (name: string) =>
      `  - name: ${name}\n    route: a\n    message: {}\n    expect: { main: { address: x } }\n`
    const files = {
      'main.yaml': `${main}tests:\n${test('first')}`,
      'routes/a.yaml': routes('a'),
      'routes/b.yaml': `tests:\n${test('second')}${test('third')}`,
    }
    const folder = folderOf(t, files)
    const { config, place } = await load(join(folder, 'main.yaml'))
    assert.deepEqual(
      config.tests.map(({ name }, i) => [name, place([{ path: ['tests', i, 'route'], text: '' }])[0]?.file]),
      [
        ['first', join(folder, 'main.yaml')],
        ['second', join(folder, 'routes/b.yaml')],
        ['third', join(folder, 'routes/b.yaml')],
      ],
    )
    const wrong = { ...files, 'routes/b.yaml': files['routes/b.yaml'].replace('name: third', 'nam: third') }
    assert.deepEqual(problemsOf(t, wrong), [
      'routes/b.yaml:6:5: tests[1].name: missing; expected a text',
      'routes/b.yaml:6:5: tests[1].nam: unknown key (did you mean "name"?)',
    ])
  })

  it('refuses a name that is there already, and names both places', async t => {
    assert.deepEqual(
      problemsOf(t, {
        'main.yaml': `${main}${routes('a')}`,
        'routes/a.yaml': routes('b', 'a'),
        'routes/b.yaml': `connections:\n  here: { protocol: memory }\n${routes('b')}`,
      }),
      [
        'routes/a.yaml:5:3: routes.a: the route a is there already, at main.yaml:6:3',
        'routes/b.yaml:2:3: connections.here: the connection here is there already, at main.yaml:4:16',
        'routes/b.yaml:4:3: routes.b: the route b is there already, at routes/a.yaml:2:3',
      ],
    )
  })

  it('refuses a pattern that matches nothing', async t => {
    const text = main.replace('routes/*.yaml', 'routes/*.yaml, other/*.yaml, main.yaml')
    assert.deepEqual(problemsOf(t, { 'main.yaml': `${text}${routes('a')}`, 'routes/a.yaml': routes('b') }), [
      'main.yaml:2:26: include[1]: no file is matched by "other/*.yaml" in the folder FOLDER',
      'main.yaml:2:40: include[2]: no file is matched by "main.yaml" in the folder FOLDER',
    ])
  })

  it('refuses what an included file may not hold: other keys, includes of its own, nothing', async t => {
    assert.deepEqual(
      problemsOf(t, {
        'main.yaml': main,
        'routes/0.yaml': 'tests: {}\n',
        'routes/a.yaml': `include: [x.yaml]\ndefaults: {}\nrouts: {}\n${routes('a')}`,
        'routes/b.yaml': '# nothing\n',
        'routes/c.yaml': 'routes: [a]\n',
        'routes/d.yaml': '- a\n',
      }),
      [
        'routes/0.yaml:1:1: tests: expected a list',
        'routes/a.yaml:1:1: include: belongs in the file that includes this one; here are only connections, routes and tests',
        'routes/a.yaml:2:1: defaults: belongs in the file that includes this one; here are only connections, routes and tests',
        'routes/a.yaml:3:1: routs: unknown key; expected connections, routes or tests',
        'routes/b.yaml:1:1: expected a map with connections, routes or tests, found nothing',
        'routes/c.yaml:1:1: routes: expected a map of names',
        'routes/d.yaml:1:1: expected a map with connections, routes or tests, found a list',
      ],
    )
  })

  it('says of all files what is no YAML or cannot be read, and nothing that follows from that', async t => {
    const files = { 'main.yaml': main, 'routes/a.yaml': 'routes: [', 'routes/b.yaml': 'a: 1\na: 2' }
    const folder = folderOf(t, files)
    symlinkSync('nowhere', join(folder, 'routes/c.yaml'))
    await assert.rejects(load(join(folder, 'main.yaml')), ({ problems }: ConfigInvalid) => {
      const said = problems.map(p => formatProblem(p).replaceAll(`${folder}/`, ''))
      assert.match(said[0]!, /^routes\/a\.yaml:1:\d+: no well-formed YAML/)
      assert.match(said.at(-2)!, /^routes\/b\.yaml:2:1: no well-formed YAML/)
      assert.match(said.at(-1)!, /^routes\/c\.yaml:1:1: the included file cannot be read: .*ENOENT/)
      return true
    })
  })

  it('is a list of texts, in which variables may stand', async t => {
    const wrong = { 'main.yaml': main.replace('[routes/*.yaml]', 'routes/*.yaml') + routes('a') }
    assert.deepEqual(problemsOf(t, wrong), [
      'main.yaml:2:10: include: expected a list, found "routes/*.yaml"',
    ])
    process.env.SLUICE_TEST_FOLDER = 'routes'
    t.after(() => delete process.env.SLUICE_TEST_FOLDER)
    const text = (name: string) => main.replace('routes/*.yaml', `"\${env:${name}}/*.yaml"`)
    const files = { 'main.yaml': text('SLUICE_TEST_FOLDER'), 'routes/a.yaml': routes('a') }
    assert.deepEqual(problemsOf(t, files), [])
    assert.deepEqual(problemsOf(t, { ...files, 'main.yaml': text('SLUICE_NOT_SET') }), [
      'main.yaml:2:11: include[0]: ${env:SLUICE_NOT_SET} cannot be resolved: the environment variable SLUICE_NOT_SET is not set',
    ])
  })

  it('is printed as one file, which loads again', async t => {
    const folder = folderOf(t, { 'main.yaml': main, 'routes/a.yaml': routes('a', 'b') })
    const printed = printConfig(await load(join(folder, 'main.yaml')))
    assert.doesNotMatch(printed, /include/)
    writeFileSync(join(folder, 'one.yaml'), printed)
    assert.equal(printConfig(await load(join(folder, 'one.yaml'))), printed)
  })
})
