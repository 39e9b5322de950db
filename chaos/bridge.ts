import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type BridgeProcess, runBridge } from '../test/support/bridge-process.ts'
import { until } from '../test/support/until.ts'

/** The bridge under test: one process after another with the same configuration. */
export class Bridge {
  readonly #context: Pick<TestContext, 'after'>
  readonly #config: object
  readonly #clock: string
  #running: BridgeProcess | undefined
  #look: NodeJS.Timeout | undefined
  /** Bytes: the most that any of the processes had resident. */
  rss = 0
  /** The fewest messages that it had unsettled when it was killed by `killHolding`. */
  fewest: number | undefined
  /** What the log of each process says, one after the other. */
  readonly #logs: (() => string)[] = []
  /** What no bridge should do: end by itself, end with another code than 0. */
  readonly wrongs: string[] = []

  /** `folder` is for the file that tells the clock of the bridge (clock.ts). */
  constructor(context: Pick<TestContext, 'after'>, config: object, folder: string) {
    this.#context = context
    this.#config = config
    this.#clock = join(folder, 'clock')
    this.stepClock(0)
  }

  /** `options` are more of Node's own. */
  async start(options = ''): Promise<void> {
    const bridge = await runBridge(this.#context, this.#config, {
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'clock.ts')} ${options}`,
      SLUICE_CHAOS_CLOCK: this.#clock,
    })
    this.#running = bridge
    this.#logs.push(() => bridge.out())
    this.#look = setInterval(() => this.#measure(), 100)
    void bridge.code.then(code => {
      clearInterval(this.#look)
      if (this.#running === bridge) this.wrongs.push(`it ended by itself with ${code}: ${lastLines(bridge)}`)
    })
  }

  async kill(): Promise<void> {
    await this.#leave().kill()
  }

  /** Waits until the process that runs has sent so many messages, so that its source hands out more than one at a time. */
  async sending(messages: number): Promise<void> {
    const sent = async () => (await this.running.metric('sluice_messages_sent_total')) >= messages
    await until(sent, { what: 'the bridge to send', timeout: 60_000 })
  }

  /** Kills it while it has messages that are not settled; one that has none, although its target is away, settled them early. */
  async killHolding(): Promise<void> {
    let held = 0
    const deadline = performance.now() + 5_000
    while (held === 0 && performance.now() < deadline) held = await this.#unsettled()
    await this.kill()
    this.fewest = Math.min(this.fewest ?? held, held)
    if (held === 0) this.wrongs.push('it had nothing unsettled while its target was away')
  }

  get log(): string {
    return this.#logs.map(log => log()).join('')
  }

  /** SIGTERM. */
  async stop(): Promise<void> {
    const bridge = this.#leave()
    const code = await bridge.stop()
    if (code !== 0) this.wrongs.push(`SIGTERM ended it with ${code}: ${lastLines(bridge)}`)
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  get running(): BridgeProcess {
    return this.#running!
  }

  /** Bytes resident now, and open files, of the process that runs. */
  now(): { readonly rss: number; readonly files: number } {
    const { pid } = this.running.child
    const [, kibibytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return { rss: Number(kibibytes) * 1024, files: readdirSync(`/proc/${pid}/fd`).length }
  }

  /** Steps the wall clock of this and all later processes to so many milliseconds off the true one. */
  stepClock(milliseconds: number): void {
    writeFileSync(this.#clock, String(milliseconds))
  }

  /** Here or in the disk buffer. */
  async #unsettled(): Promise<number> {
    const [here, onDisk] = await Promise.all([
      this.running.metric('sluice_messages_buffered'),
      this.running.metric('sluice_disk_records'),
    ])
    return here + onDisk
  }

  #leave(): BridgeProcess {
    this.#measure()
    const bridge = this.running
    this.#running = undefined
    return bridge
  }

  #measure(): void {
    const file = `/proc/${this.#running?.child.pid}/status`
    if (!existsSync(file)) return
    const [, kibibytes = '0'] = /VmHWM:\s+(\d+)/.exec(readFileSync(file, 'utf8')) ?? []
    this.rss = Math.max(this.rss, Number(kibibytes) * 1024)
  }
}

const lastLines = (bridge: BridgeProcess): string => bridge.out().split('\n').slice(-6).join('\n')
