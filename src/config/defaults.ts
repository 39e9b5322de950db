import { suggest } from '../core/suggest.ts'
import { isMap } from './ends.ts'
import type { Problem } from './problem.ts'

type Path = readonly (string | number)[]
type Keys = Readonly<Record<string, unknown>>
export type Side = 'from' | 'targets'

/** `defaults.from` and `defaults.targets`: what ends of one connection have unless they say otherwise, by that connection. */
export class EndDefaults {
  readonly #written: Readonly<Record<Side, Keys>>
  readonly #unused = new Map<string, Problem>()

  /** `connections` are those of the file. */
  constructor(defaults: unknown, connections: unknown, problems: Problem[]) {
    const side = (name: Side): Keys => (isMap(defaults) && isMap(defaults[name]) ? defaults[name] : {})
    this.#written = { from: side('from'), targets: side('targets') }
    const known = isMap(connections) ? Object.keys(connections) : []
    for (const name of ['from', 'targets'] as const) {
      for (const connection of Object.keys(this.#written[name])) {
        const path = ['defaults', name, connection]
        if (!known.includes(connection)) {
          const text = `there is no connection "${connection}"${suggest(connection, known)}`
          problems.push({ path, atKey: true, text })
        }
        const what = name === 'from' ? 'reads from' : 'sends to'
        const text = `no route ${what} the connection ${connection}, so these keys are not checked`
        this.#unused.set(`${name} ${connection}`, { path, text, warning: true })
      }
    }
  }

  /** An end with the keys that it does not write; one that is written replaces that of the defaults as a whole. */
  complete(side: Side, connection: string, written: Keys): Keys {
    this.#unused.delete(`${side} ${connection}`)
    return { ...this.#of(side, connection), ...written }
  }

  /** Where a problem of a completed end stands: `path` is below the end. Undefined where the end itself has the key. */
  pathOf(side: Side, connection: string, written: Keys, path: Path): Path | undefined {
    const [key] = path
    const isCommon =
      key !== undefined && !Object.hasOwn(written, key) && Object.hasOwn(this.#of(side, connection), key)
    return isCommon ? ['defaults', side, connection, ...path] : undefined
  }

  /** Warnings of keys that no route has. */
  get unused(): readonly Problem[] {
    return [...this.#unused.values()]
  }

  #of(side: Side, connection: string): Keys {
    const keys = this.#written[side][connection]
    return isMap(keys) ? keys : {}
  }
}
