import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'

export interface Stats {
  readonly confirmed: number
  readonly deleted: number
  /** Messages that came a second time, of those that say when they were sent. */
  readonly repeated: number
  /** Milliseconds since 1970. */
  readonly firstAt?: number
  readonly p50: number | null
  readonly p99: number | null
}

export interface StandIn extends AsyncDisposable {
  readonly port: number
  readonly url: string
  stats(): Promise<Stats>
  reset(): Promise<Stats>
}

/** Starts the stand-in for SQS; it answers after `delay` ms. */
export async function startStandIn(delay: number, port = 0): Promise<StandIn> {
  const child = fork(join(import.meta.dirname, 'stand-in.ts'), [String(delay), String(port)])
  const ask = async <T>(question?: string): Promise<T> => {
    const answer = once(child, 'message')
    if (question) child.send(question)
    const [said] = await answer
    return said as T
  }
  const listening = await ask<{ port: number }>()
  return {
    port: listening.port,
    url: `http://127.0.0.1:${listening.port}`,
    stats: () => ask<Stats>('stats'),
    reset: () => ask<Stats>('reset'),
    [Symbol.asyncDispose]: () => ended(child),
  }
}

/** As the first line of `src/main.ts` has them. */
const nodeFlags =
  /node (--.*)/.exec(readFileSync(join(import.meta.dirname, '../src/main.ts'), 'utf8'))?.[1]?.split(' ') ?? []

/** What the bridge's own process has used. */
export interface Usage {
  /** CPU seconds, user and system. */
  readonly cpu: number
  /** Bytes of resident memory. */
  readonly rss: number
  readonly buffered: number
}

export interface BridgeProcess extends AsyncDisposable {
  /** Milliseconds since 1970 when the process was started. */
  readonly startedAt: number
  usage(): Promise<Usage>
}

/** Runs `sluice run` on this configuration in a process of its own. Resolves once it serves /metrics. */
export async function startBridge(config: object): Promise<BridgeProcess> {
  const file = join(tmpdir(), `sluice-bench-${process.pid}.yaml`)
  await writeFile(file, stringify({ ...config, admin: { port: 0 }, log_level: 'info' }))
  const startedAt = Date.now()
  const child = fork(join(import.meta.dirname, '../dist/main.js'), ['run', file], {
    silent: true,
    execArgv: nodeFlags,
  })
  let log = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr?.on('data', text => process.stderr.write(text))
    child.stdout?.on('data', text => {
      log += text
      const [found] = /http:\/\/[^"]+\/metrics/.exec(log) ?? []
      if (found) resolve(found)
    })
    child.once('exit', code => reject(new Error(`the bridge ended with ${code}: ${log}`)))
  })
  const usage = async (): Promise<Usage> => {
    const text = await (await fetch(url)).text()
    const sum = (name: string) =>
      [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
        (n, m) => n + Number(m[1]),
        0,
      )
    return {
      cpu: sum('process_cpu_seconds_total'),
      rss: sum('process_resident_memory_bytes'),
      buffered: sum('sluice_messages_buffered'),
    }
  }
  return { startedAt, usage, [Symbol.asyncDispose]: () => ended(child) }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}
