import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Mutant } from './list.ts'

const top = join(import.meta.dirname, '../..')
/** A test that never ends on a broken source is red as well. */
const limit = 60_000

/** The text with the promise broken. Throws when the source has changed, so that the break has to be written anew. */
export function broken({ file, find, put, breaks }: Mutant, source = readFileSync(join(top, file), 'utf8')) {
  const times = source.split(find).length - 1
  if (times !== 1) {
    throw new Error(
      `"${breaks}" cannot be broken: in ${file} this stands ${times} times and not once:\n${find}`,
    )
  }
  return source.replace(find, () => put)
}

/** A copy of the tree, with the same dependencies. */
export function copyOfTree() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-mutants-'))
  for (const part of [
    'src',
    'test',
    'scripts',
    'demo',
    'config',
    'docs',
    'chaos',
    'package.json',
    'README.md',
  ]) {
    const filter = (from: string) => basename(from) !== 'target'
    cpSync(join(top, part), join(folder, part), { recursive: true, filter })
  }
  for (const part of ['node_modules', '.git']) symlinkSync(join(top, part), join(folder, part))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

export type Fate = 'red' | 'green' | 'broken'

/** Runs the test on the tree: `broken` when it does not even begin, since then it says nothing. */
export async function runTest(folder: string, { test, only }: Pick<Mutant, 'test' | 'only'>): Promise<Fate> {
  const pattern = only === undefined ? [] : ['--test-name-pattern', only]
  const { NODE_TEST_CONTEXT: _, ...rest } = process.env
  const env = { ...rest, SLUICE_BROKERS_DIR: process.env.SLUICE_BROKERS_DIR ?? join(top, '.brokers') }
  const argv = [
    '--test',
    '--test-force-exit',
    `--test-timeout=${limit}`,
    '--test-reporter=tap',
    ...pattern,
    test,
  ]
  const child = spawn(process.execPath, argv, {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (out += chunk))
  const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 1.5 * limit)
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  clearTimeout(timer)
  if (/SyntaxError|ERR_MODULE_NOT_FOUND|ERR_INVALID_TYPESCRIPT/.test(out)) return 'broken'
  return code === 0 ? 'green' : 'red'
}

/** Breaks the promise in the copy, runs its test there, and mends it again. */
export async function tryMutant(folder: string, mutant: Mutant): Promise<Fate> {
  const file = join(folder, mutant.file)
  const source = readFileSync(file, 'utf8')
  writeFileSync(file, broken(mutant, source))
  try {
    return await runTest(folder, mutant)
  } finally {
    writeFileSync(file, source)
  }
}
