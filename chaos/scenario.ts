import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { sentence } from '../src/core/errors.ts'
import type { EndName } from './ends/index.ts'
import { type FaultName, faultOf } from './faults.ts'
import { Generating } from './generating.ts'
import { type Account, Ledger } from './ledger.ts'
import { type Lane, type Planned, planned } from './schedule.ts'
import { openWorld, type World } from './world.ts'

export interface Scenario {
  readonly name: string
  readonly from: EndName
  readonly to: EndName
  /** The order within each group is promised. */
  readonly isOrdered: boolean
  /** Messages a second. */
  readonly rate: number
  readonly lanes: readonly Lane[]
  /** The route has a disk buffer. */
  readonly hasDisk?: true
}

/** Milliseconds, the longest of all faults of the lanes that wait for it. */
export interface Recovery {
  /** From the end of the fault to the first new arrival. */
  readonly first: number
  /** From the end of the fault until all that was confirmed by then had arrived. */
  readonly caughtUp: number
}

export interface Result extends Account {
  readonly scenario: string
  readonly from: string
  readonly to: string
  readonly isOrdered: boolean
  readonly seed: number
  readonly seconds: number
  /** Milliseconds to the target, either way. */
  readonly distance: number
  readonly faults: Readonly<Partial<Record<FaultName, number>>>
  readonly deadLetters: number
  /** Bytes. */
  readonly rss: number
  /** The fewest messages that were unsettled at a kill while the target was away. */
  readonly unsettled?: number
  readonly recovery: Recovery
  /** What was not as promised, in sentences; empty is what is hoped for. */
  readonly wrongs: readonly string[]
}

export interface Length {
  readonly seed: number
  /** Of the time in which faults begin; what follows until all has arrived is not in it. */
  readonly milliseconds: number
}

/** So long nothing may arrive, while something is missing, before it is given up. */
const patience = 60_000
const groups = 20

export async function runScenario(
  scenario: Scenario,
  { seed, milliseconds }: Length,
  say: (line: string) => void = () => {},
): Promise<Result> {
  const ledger = new Ledger()
  const own = (['source', 'target'] as const).filter(side =>
    scenario.lanes.some(({ where, faults }) => where === side && faults.some(f => faultOf(f).own)),
  )
  const world = await openWorld({ hasDisk: false, ...scenario, own }, body => ledger.arrive(body))
  try {
    await world.bridge.start()
    await world.bridge.running.connected()
    const generating = new Generating(world.source.end, ledger, scenario.rate, groups)
    const disturbance = new Disturbance(scenario, world, ledger, say)
    await disturbance.run(seed, performance.now() + milliseconds)
    await generating.stop()
    if (generating.failures.length > 0)
      say(`${generating.failures.length} batches failed, the last: ${generating.failures.at(-1)}`)
    const late: string[] = []
    if (!(await ledger.progressing(() => ledger.caughtUp(), patience)))
      late.push(`${ledger.waiting} are missing, and for ${patience / 1000} s nothing arrived`)
    // It does not where a fault could not be done.
    if (world.bridge.isRunning) {
      await settled(world, late)
      await world.bridge.stop()
    }
    const account = ledger.account()
    const deadLetters = await world.deadLetters()
    const { faults, first, caughtUp, failed } = disturbance
    const wrongs = [
      ...late,
      ...failed,
      ...world.bridge.wrongs,
      ...(account.lost > 0 ? [`lost: ${ledger.missing.slice(0, 20).join(', ')}`] : []),
      ...ledger.strange.slice(0, 5).map(body => `arrived and was never sent: ${body}`),
      ...(deadLetters > 0 ? [`${deadLetters} dead letters`] : []),
      ...(scenario.isOrdered ? ledger.unordered.slice(0, 5).map(at => `out of order: ${at}`) : []),
    ]
    return {
      scenario: scenario.name,
      from: world.source.end.title,
      to: world.target.end.title,
      isOrdered: scenario.isOrdered,
      seed,
      seconds: milliseconds / 1000,
      distance: world.target.distance,
      faults,
      ...account,
      deadLetters,
      rss: world.bridge.rss,
      ...(world.bridge.fewest !== undefined && { unsettled: world.bridge.fewest }),
      recovery: { first, caughtUp },
      wrongs,
    }
  } finally {
    writeFileSync(logOf(scenario.name), world.bridge.log)
    await world.close()
  }
}

/** Where the log of the bridge is after the scenario. */
export const logOf = (scenario: string): string => join(tmpdir(), `sluice-chaos-${scenario}.log`)

/** Waits until the bridge has nothing unsettled, and a little longer, in which repetitions may still come. */
async function settled({ bridge }: World, late: string[]): Promise<void> {
  const deadline = performance.now() + 30_000
  let left = Number.NaN
  while (left !== 0 && performance.now() < deadline) {
    left = await bridge.running.metric('sluice_messages_buffered')
    await pause(100)
  }
  if (left !== 0) late.push(`${left} were still unsettled 30 s after the last had arrived`)
  await pause(1_500)
}

/** Does the faults of a scenario and measures what follows them. */
class Disturbance {
  readonly #scenario: Scenario
  readonly #world: World
  readonly #ledger: Ledger
  readonly #say: (line: string) => void
  readonly faults: Partial<Record<FaultName, number>> = {}
  readonly failed: string[] = []
  first = 0
  caughtUp = 0

  constructor(scenario: Scenario, world: World, ledger: Ledger, say: (line: string) => void) {
    this.#scenario = scenario
    this.#world = world
    this.#ledger = ledger
    this.#say = say
  }

  async run(seed: number, end: number): Promise<void> {
    await Promise.all(
      this.#scenario.lanes.map(lane => this.#lane(lane, planned(seed, this.#scenario.name, lane), end)),
    )
    // Lanes that overlap are measured once, at the end of all of them.
    await this.#recover()
  }

  async #lane(lane: Lane, faults: Iterable<Planned>, end: number): Promise<void> {
    for (const { fault, after, lasts, random } of faults) {
      if (performance.now() + after + lasts > end) return
      await pause(after)
      this.#say(`${fault} at the ${lane.where} for ${lasts} ms`)
      this.faults[fault] = (this.faults[fault] ?? 0) + 1
      try {
        const side = lane.where === 'target' ? this.#world.target : this.#world.source
        const over = await faultOf(fault).begin(this.#world, side, random)
        await pause(lasts)
        await over()
      } catch (error) {
        this.failed.push(`the fault ${fault} could not be done: ${sentence(error)}`)
        return
      }
      if (lane.recovers) await this.#recover()
    }
  }

  async #recover(): Promise<void> {
    const began = performance.now()
    const passed = () => performance.now() - began
    const first = this.#ledger.nextNew().then(() => {
      this.first = Math.max(this.first, passed())
    })
    const all = this.#ledger.caughtUp().then(() => {
      this.caughtUp = Math.max(this.caughtUp, passed())
    })
    if (!(await this.#ledger.progressing(() => Promise.all([first, all]), patience, 2 * patience)))
      this.failed.push(`${(2 * patience) / 1000} s after a fault not all had arrived`)
    this.#say(`  caught up after ${Math.round(passed())} ms`)
  }
}
