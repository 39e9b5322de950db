import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { parse, stringify } from 'yaml'
import { pages, stale } from '../scripts/docs.ts'
import { adapters } from '../src/adapters/index.ts'
import { loadText } from '../src/config/load.ts'
import { fileSchema } from '../src/config/schema.ts'
import { problemsIn } from './support/problems.ts'

const top = join(import.meta.dirname, '..')

/** A piece of YAML that somebody may copy. */
interface Block {
  /** `README.md:42`. */
  readonly where: string
  readonly text: string
  /** Why it is not loaded. */
  readonly exempt?: string
}

/**
 * Every block marked as `yaml`. One that begins with `connections:` somewhere is a whole file; one that does not is a part
 * of one, see `whole`. Only a comment before it, `<!-- not loaded: the reason -->`, exempts a block.
 */
function blocksOf(file: string): readonly Block[] {
  const text = readFileSync(join(top, file), 'utf8')
  const fences = text.matchAll(
    /^(?:<!-- not loaded: (.*) -->\n+)?([ \t]*)```ya?ml[^\n]*\n([\s\S]*?)^\2```$/gm,
  )
  return Array.from(fences, ({ 1: exempt, 2: indent = '', 3: block = '', index }) => ({
    where: `${file}:${text.slice(0, index).split('\n').length}`,
    text: block.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    ...(exempt !== undefined && { exempt }),
  }))
}

const frame = {
  connections: { here: { protocol: 'memory' } },
  from: { connection: 'here', queue: 'in' },
  targets: { main: { connection: 'here', queue: 'out' } },
  dead_letter: [{ folder: '/var/lib/sluice/dead' }],
}

/**
 * A part of a file, put where it belongs: a list is a mapping; a map is keys of the file where the first is one, else of
 * a route. What is missing beside it comes from a frame over the memory adapter.
 */
function whole(text: string): string {
  const part = parse(text) as Record<string, unknown> | readonly unknown[]
  if (!Array.isArray(part) && 'connections' in part) return 'routes' in part ? text : `${text}\nroutes: {}`
  const { connections, ...route } = frame
  const [first = ''] = Object.keys(part)
  const isTop = !Array.isArray(part) && first in fileSchema.shape
  const more = Array.isArray(part) ? { mapping: part } : isTop ? {} : part
  const keys = isTop ? part : {}
  return stringify({ connections, routes: { part: { ...route, ...more } }, ...keys })
}

/** Values for variables that must be more than any text. */
const variables: Readonly<Record<string, string>> = {
  DEMO_AMQP_URL: 'amqp://127.0.0.1',
  DEMO_MQTT_URL: 'mqtt://127.0.0.1',
  DEMO_AWS_URL: 'http://127.0.0.1',
}

/** Loads a file as `sluice validate` does, with the variables and files that it names. */
function loads(t: TestContext, where: string, text: string): void {
  const before = process.env
  t.after(() => {
    process.env = before
  })
  const named = Array.from(text.matchAll(/\$\{env:([^}]*)\}/g), ([, name]) => name!)
  process.env = {
    ...before,
    ...Object.fromEntries(named.map(n => [n, variables[n] ?? 'a-value-of-the-environment'])),
  }
  const secret = join(mkdtempSync(join(tmpdir(), 'sluice-docs-')), 'secret')
  // A key of 32 bytes, which will do for any secret.
  writeFileSync(secret, `${'5e'.repeat(32)}\n`)
  const written = text.replaceAll(/\$\{file:[^}]*\}/g, () => `\${file:${secret}}`)
  assert.deepEqual(
    problemsIn(options => loadText(where, written, options)),
    [],
  )
}

/** Files that another one includes: they are loaded with it, as the parts that they are. */
const isIncluded = (file: string): boolean =>
  tracked('config/**/*.yaml').some(main => {
    const { include = [] } = parse(readFileSync(join(top, main), 'utf8')) as { include?: readonly string[] }
    return include.some(pattern => matchesGlob(file, join(main, '..', pattern)))
  })

const tracked = (pattern: string): readonly string[] => globSync(pattern, { cwd: top }).sort()

describe('the documentation', () => {
  it('holds what the code says: npm run docs has been run', async () => {
    assert.deepEqual(stale(await pages(), top), [])
  })

  it('names the page that is stale', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-docs-'))
    assert.deepEqual(stale(await pages(), folder), [
      'docs/configuration.md',
      'docs/fidelity.md',
      'docs/metrics.md',
    ])
    const { status, stderr } = spawnSync(process.execPath, [join(top, 'scripts/docs.ts'), '--check'])
    assert.deepEqual([status, stderr.toString()], [0, ''])
  })

  it('has a section for each protocol, with an example that uses it', async () => {
    const page = (await pages()).get('docs/configuration.md')!
    for (const { protocol, inline } of adapters) {
      const { connections, routes } = parse(readFileSync(join(top, `docs/examples/${protocol}.yaml`), 'utf8'))
      const used = Object.values(connections as Record<string, { protocol: string }>).map(c => c.protocol)
      assert.ok(
        inline ? JSON.stringify(routes).includes(`"${protocol}":`) : used.includes(protocol),
        protocol,
      )
      assert.match(page, new RegExp(`^## ${protocol}$`, 'm'))
    }
  })

  it('links to files that are there', () => {
    for (const file of ['README.md', 'CONTRIBUTING.md', ...tracked('docs/**/*.md')]) {
      const text = readFileSync(join(top, file), 'utf8')
      for (const [, to] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
        assert.deepEqual(globSync(to!, { cwd: join(top, file, '..') }).length, 1, `${file} links to ${to}`)
      }
    }
  })
})

describe('YAML that people copy', () => {
  for (const file of [...tracked('config/**/*.yaml'), ...tracked('docs/**/*.yaml')]) {
    if (isIncluded(file)) continue
    it(`${file} loads`, t => loads(t, join(top, file), readFileSync(join(top, file), 'utf8')))
  }
  for (const file of ['README.md', 'CONTRIBUTING.md', ...tracked('docs/**/*.md')]) {
    for (const { where, text, exempt } of blocksOf(file)) {
      if (exempt === undefined) it(`${where} loads`, t => loads(t, where, whole(text)))
      else it(`${where} is exempt for a reason`, () => assert.match(exempt, /\w+ \w+ \w+/))
    }
  }
})
