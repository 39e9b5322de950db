import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { stringify } from 'yaml'
import { until } from './until.ts'

const piped: SpawnOptions = { stdio: ['ignore', 'pipe', 'pipe'] }
const main = join(import.meta.dirname, '../../src/main.ts')

/** `sluice` with these arguments, as a process of its own that does not outlive the test. */
export function startSluice(t: TestContext, ...args: readonly string[]) {
  return watch(t, spawn(process.execPath, [main, ...args], piped))
}

/** A process with all that it has written; killed when the test ends. */
export function watch(t: Pick<TestContext, 'after'>, child: ChildProcess) {
  t.after(() => child.kill('SIGKILL'))
  let out = ''
  let err = ''
  child.stdout?.on('data', chunk => {
    out += chunk
  })
  child.stderr?.on('data', chunk => {
    err += chunk
  })
  const code = new Promise<number | null>(resolve => child.once('close', resolve))
  return { child, code, out: () => out, err: () => err }
}

/** A line of the log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly route?: string
  readonly link?: string
  readonly target?: string
  readonly to?: string
  readonly place?: string
  readonly reason?: string
}

/** A bridge that runs in a process of its own. */
export interface BridgeProcess {
  readonly child: ChildProcess
  readonly code: Promise<number | null>
  out(): string
  /** The lines of its log so far. */
  log(): readonly LogLine[]
  /** Waits for a line of the log that has at least these fields; a pattern must match. */
  logged(fields: { readonly [K in keyof LogLine]?: string | RegExp }, timeout?: number): Promise<LogLine>
  /** Waits until the source and all targets of all routes (or of this one) are connected. */
  connected(route?: string): Promise<void>
  /** The sum of a metric over all its series that have these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
}

/** More variables of the environment for the process of the bridge. */
export type Environment = Readonly<Record<string, string>>

/** Runs the bridge of this configuration, which is written to a YAML file, with its metrics on a free port. */
export async function runBridge(
  t: Pick<TestContext, 'after'>,
  config: object,
  environment: Environment = {},
): Promise<BridgeProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bridge-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, stringify({ ...config, admin: { port: 0 } }))
  const env = { ...process.env, ...environment }
  const { child, code, out, err } = watch(t, spawn(process.execPath, [main, 'run', file], { ...piped, env }))
  let gone = false
  void code.then(() => {
    gone = true
  })
  const address = await until(
    () => {
      if (gone) throw new Error(`the bridge ended:\n${out()}${err()}`)
      return /http:\/\/127\.0\.0\.1:\d+/.exec(out())?.[0]
    },
    { what: 'the bridge to run', timeout: 30_000 },
  )
  const log = () =>
    out()
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line) as LogLine)
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return code
  }
  return {
    child,
    code,
    out,
    log,
    logged: (fields, timeout = 30_000) =>
      until(() => log().find(line => matches(line, fields)), {
        what: `a line of the log with ${JSON.stringify(fields, show)}`,
        timeout,
      }),
    connected: async route => {
      await until(
        async () => {
          const answer = await fetch(`${address}/readyz?strict`)
          const { down } = (await answer.json()) as { down: { route: string; link: string }[] }
          const waiting = down.filter(d => d.link !== 'dead_letter' && (route ?? d.route) === d.route)
          if (waiting.length > 0) throw new Error(JSON.stringify(waiting))
          return true
        },
        { what: 'every link', timeout: 30_000 },
      )
    },
    metric: async (name, labels = {}) => {
      const text = await (await fetch(`${address}/metrics`)).text()
      return sum(text, name, labels)
    },
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  }
}

const show = (_: string, value: unknown) => (value instanceof RegExp ? String(value) : value)

function matches(line: LogLine, fields: Partial<Record<keyof LogLine, string | RegExp>>): boolean {
  return Object.entries(fields).every(([name, wanted]) => {
    const found = line[name as keyof LogLine]
    return wanted instanceof RegExp ? wanted.test(found ?? '') : found === wanted
  })
}

/** Of the text format of Prometheus. */
function sum(text: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  return text
    .split('\n')
    .filter(line => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
    .filter(line => wanted.every(pair => line.includes(pair)))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' '))), 0)
}
