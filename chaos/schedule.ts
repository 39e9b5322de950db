import { type FaultName, faultOf, type Where } from './faults.ts'
import { type Random, seeded } from './random.ts'

/** One after the other; lanes run at the same time. */
export interface Lane {
  readonly where: Where
  readonly faults: readonly FaultName[]
  /** Wait after each fault until all that was confirmed by then has arrived, which makes its time to recover known. */
  readonly recovers: boolean
  /** Milliseconds between two, at least and at most. */
  readonly pause: readonly [number, number]
}

export interface Planned {
  readonly fault: FaultName
  /** Milliseconds after the one before it. */
  readonly after: number
  readonly lasts: number
  /** For what the fault itself draws. */
  readonly random: Random
}

/** The faults of a lane without end: the same for the same seed. Each comes once before any comes twice. */
export function* planned(
  seed: number,
  name: string,
  { where, faults, pause }: Lane,
): Generator<Planned, never> {
  const random = seeded(seed, `${name} ${where}`)
  for (;;) {
    const left = [...faults]
    while (left.length > 0) {
      const [fault] = left.splice(random.whole(0, left.length - 1), 1)
      const after = random.whole(...pause)
      const lasts = random.whole(...faultOf(fault!).lasts)
      yield { fault: fault!, after, lasts, random: seeded(random.whole(0, 2 ** 31), fault!) }
    }
  }
}
