import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Result } from './scenario.ts'
import type { Soaked } from './soak.ts'

/** What one run of the harness measured, and on what. */
export type Measured<R> = R & { readonly machine: string; readonly date: string }

export interface Caught {
  readonly name: string
  readonly test: string
  readonly red: boolean
}

export interface Fuzzed {
  readonly target: string
  readonly inputs: number
  readonly seed: number
  readonly slowest: number
  readonly grown: number
  readonly wrongs: readonly string[]
}

/** All that docs/reliability.md is written from; each part is replaced by the next run of that part. */
export interface Results {
  readonly scenarios: Readonly<Record<string, Measured<Result>>>
  readonly soak?: Measured<Soaked>
  readonly fuzz: Readonly<Record<string, Measured<Fuzzed>>>
  readonly mutants: Readonly<Record<string, Measured<Caught>>>
}

const file = join(import.meta.dirname, 'results/latest.json')

export function readResults(): Results {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Results
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return { scenarios: {}, fuzz: {}, mutants: {} }
  }
}

export function writeResults(results: Results): void {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
}

export const measured = <R>(result: R): Measured<R> => ({
  ...result,
  machine: `${cpus().length} cores (${cpus()[0]?.model}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`,
  date: new Date().toISOString().slice(0, 10),
})
