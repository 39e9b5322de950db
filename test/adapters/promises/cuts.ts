import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { Source } from '../../../src/core/adapter.ts'
import type { Delivery } from '../../../src/core/delivery.ts'
import { LinkLost } from '../../../src/core/errors.ts'
import type { Open } from '../consumer.ts'
import { bytesOf, idOf } from '../fixture.ts'
import { type Bench, bodies, ids, proxied, readBack } from './bench.ts'

const count = 2_000
const between = 150

/** Plays the keeper of a link: opens again when it dies, settles what comes and grants as much again. */
export async function cuts(bench: Bench, t: TestContext): Promise<void> {
  const name = await bench.broker.create()
  const proxy = await proxied(t, bench)
  const [open] = bench.openers({ name, raw: bench.broker.endpoint(name, proxy) })
  const run = new Run(() => proxy.cut())
  const signal = AbortSignal.timeout(50_000)
  const producing = bench.broker.produce(name, bodies(ids(count)))
  while (run.seen.size < count) {
    signal.throwIfAborted()
    await life(open!, run, signal)
  }
  await producing
  assert.ok(run.cuts >= count / between - 2, `cut ${run.cuts} times`)
  await readBack(t, bench, name) // what was accepted into a cut comes a second time
}

class Run {
  readonly seen = new Set<string>()
  cuts = 0
  readonly all = Promise.withResolvers<void>()
  readonly #cut: () => void

  constructor(cut: () => void) {
    this.#cut = cut
  }

  add(id: string): void {
    this.seen.add(id)
    if (this.seen.size === count) this.all.resolve()
    if (this.seen.size < count && this.seen.size >= (this.cuts + 1) * between) {
      this.cuts++
      this.#cut()
    }
  }
}

/** One link, from opening to its death or until all has come. */
async function life(open: Open, run: Run, signal: AbortSignal): Promise<void> {
  let source: Source | undefined
  const accept = async (delivery: Delivery) => {
    try {
      await delivery.settle('accepted')
    } catch (error) {
      assert.ok(error instanceof LinkLost)
      return
    }
    run.add(idOf(delivery.message))
    source?.grant(1, bytesOf(delivery.message).length)
  }
  source = await open(delivery => void accept(delivery), signal).catch(() => undefined)
  if (!source) return pause(20)
  source.grant(100, 2 ** 30)
  await Promise.race([run.all.promise, source.closed])
  await source.close()
}
