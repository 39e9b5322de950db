type Units = Readonly<Record<string, number>>

/** Milliseconds a unit. Longest first: the first that divides a number evenly is the one it is written in. */
const durations: Units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
const sizes: Units = { GiB: 2 ** 30, MiB: 2 ** 20, KiB: 2 ** 10, GB: 1e9, MB: 1e6, KB: 1e3, kB: 1e3, B: 1 }

/** Milliseconds of a duration as people write it (`200ms`, `30s`, `1.5m`, `12h`, `7d`), or undefined when it is none. */
export const parseDuration = (written: string): number | undefined => parse(written, durations)

/** Bytes of a size as people write it (`64MiB`, `1.5 MB`, `300B`), or undefined when it is none. */
export const parseSize = (written: string): number | undefined => parse(written, sizes)

/** The inverse of `parseDuration`: 30000 is `30s`. */
export const formatDuration = (milliseconds: number): string => format(milliseconds, durations)

/** The inverse of `parseSize`: 65536 is `64KiB`. */
export const formatSize = (bytes: number): string => format(bytes, sizes)

const instant = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/i

/** Milliseconds since 1970 of a date, or of a date and time with its zone, in ISO 8601; undefined for all else. */
export function parseInstant(written: string): number | undefined {
  if (!instant.test(written)) return undefined
  // `Date` makes 2 March of 30 February.
  if (Number(written.slice(8, 10)) > daysIn(Number(written.slice(0, 4)), Number(written.slice(5, 7))))
    return undefined
  // `+0100` is ISO 8601 as well, and `Date` does not read it.
  const time = Date.parse(written.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  return Number.isNaN(time) ? undefined : time
}

/** The day before the first of the next month. */
const daysIn = (year: number, month: number): number => new Date(Date.UTC(year, month, 0)).getUTCDate()

function parse(written: string, units: Units): number | undefined {
  const [, amount, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]+)\s*$/.exec(written) ?? []
  const factor = unit === undefined ? undefined : units[unit]
  return factor === undefined ? undefined : Math.round(Number(amount) * factor)
}

function format(amount: number, units: Units): string {
  const [unit, factor] =
    Object.entries(units).find(([, f]) => amount > 0 && amount % f === 0) ?? Object.entries(units).at(-1)!
  return `${amount / factor}${unit}`
}
