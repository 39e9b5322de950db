import type { Endpoint, Schema, Warning } from '../core/adapter.ts'
import { suggest } from '../core/suggest.ts'
import type { AnyAdapter, ConnectionConfig, DeadLetterEnd, SinkEnd, SourceEnd } from './bridge-config.ts'
import type { EndDefaults, Side } from './defaults.ts'
import { parse } from './parse.ts'
import type { Problem } from './problem.ts'

type Path = readonly (string | number)[]
type Keys = Readonly<Record<string, unknown>>

export const isMap = (value: unknown): value is Keys =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Checks connections and the ends of routes against their adapters. Collects problems and never throws. */
export class Ends {
  readonly problems: Problem[]
  readonly warnings: Problem[] = []
  readonly connections = new Map<string, ConnectionConfig>()
  readonly #adapters: readonly AnyAdapter[]
  /** Connections that were written, those with mistakes included. */
  readonly #written: Keys
  readonly #defaults: EndDefaults

  constructor(adapters: readonly AnyAdapter[], written: unknown, defaults: EndDefaults, problems: Problem[]) {
    this.#adapters = adapters
    this.#defaults = defaults
    this.#written = isMap(written) ? written : {}
    this.problems = problems
    for (const [name, keys] of Object.entries(this.#written)) this.#connection(name, keys)
  }

  source(written: unknown, path: Path, route: string): SourceEnd | undefined {
    const found = this.#end(written, path)
    if (!found) return undefined
    const { connection, options } = found
    const { protocol, source } = connection.adapter
    if (!source) return this.#refuse([...path, 'connection'], `the protocol ${protocol} cannot be a source`)
    const parsed = this.#complete('from', connection.name, source.options, options, path, route)
    if (!parsed) return undefined
    const at = bind(connection, route, parsed)
    this.#warn(source.warnings?.(at), path)
    return { kind: source, protocol, at }
  }

  sink(written: unknown, path: Path, route: string): SinkEnd | undefined {
    const found = this.#end(written, path)
    return found && this.#sinkOf(found.connection, found.options, path, route, 'targets')
  }

  /** `{ connection, … }`, `{ broker: true }`, or an adapter that needs no connection: `{ folder: PATH }`. */
  deadLetter(
    written: unknown,
    path: Path,
    route: string,
    from: SourceEnd | undefined,
  ): DeadLetterEnd | undefined {
    if (!isMap(written)) return undefined
    if (written.broker === true && Object.keys(written).length === 1) {
      if (from && !from.kind.canReject) {
        return this.#refuse(
          path,
          `the source cannot reject: ${from.protocol} has no way to give one message to a dead letter`,
        )
      }
      return { name: 'broker', broker: true }
    }
    if ('connection' in written) {
      const found = this.#end(written, path)
      const end = found && this.#sinkOf(found.connection, found.options, path, route)
      const { connection, ...where } = written
      return end && { name: [connection, ...Object.values(where).slice(0, 1)].join(' '), end }
    }
    return this.#inline(written, path, route)
  }

  #inline(written: Keys, path: Path, route: string): DeadLetterEnd | undefined {
    const inline = this.#adapters.filter(a => a.inline !== undefined)
    const [key, ...others] = Object.keys(written)
    const adapter = inline.find(a => a.protocol === key)
    if (!adapter || key === undefined || others.length > 0) {
      const forms = ['{ connection: … }', '{ broker: true }', ...inline.map(a => `{ ${a.protocol}: … }`)]
      return this.#refuse(
        path,
        `expected ${forms.join(' or ')}, found the keys ${Object.keys(written).join(', ')}`,
      )
    }
    const connection = { name: '', adapter, options: {} }
    const end = this.#sinkOf(connection, { [adapter.inline!]: written[key] }, path, route)
    return end && { name: `${key} ${written[key]}`, end }
  }

  #connection(name: string, keys: unknown): void {
    if (!isMap(keys) || typeof keys.protocol !== 'string') return
    const { protocol, ...rest } = keys
    const path = ['connections', name]
    const known = this.#adapters.filter(a => a.inline === undefined).map(a => a.protocol)
    const adapter = this.#adapters.find(a => a.protocol === protocol && known.includes(protocol))
    if (!adapter) {
      this.#refuse(
        [...path, 'protocol'],
        `expected one of ${known.join(', ')}, found "${protocol}"${suggest(String(protocol), known)}`,
      )
      return
    }
    const options = parse(adapter.connection, rest, path, this.problems)
    if (options !== undefined) this.connections.set(name, { name, adapter, options })
  }

  #end(written: unknown, path: Path) {
    if (!isMap(written) || typeof written.connection !== 'string') return undefined
    const { connection: name, ...options } = written
    const connection = this.connections.get(String(name))
    if (connection) return { connection, options }
    if (!Object.hasOwn(this.#written, String(name))) {
      const known = Object.keys(this.#written)
      this.#refuse([...path, 'connection'], `there is no connection "${name}"${suggest(String(name), known)}`)
    }
    return undefined
  }

  #sinkOf(
    connection: ConnectionConfig,
    options: Keys,
    path: Path,
    route: string,
    side?: 'targets',
  ): SinkEnd | undefined {
    const { protocol, sink } = connection.adapter
    if (!sink) return this.#refuse([...path, 'connection'], `the protocol ${protocol} cannot be a target`)
    const parsed = side
      ? this.#complete(side, connection.name, sink.options, options, path, route)
      : parse(sink.options, options, path, this.problems)
    if (!parsed) return undefined
    const at = bind(connection, route, parsed)
    this.#warn(sink.warnings?.(at), path)
    return { kind: sink, protocol, at }
  }

  /** With the keys of the defaults; a mistake in one of those is placed there and names the route. */
  #complete<T>(side: Side, connection: string, schema: Schema<T>, written: Keys, path: Path, route: string) {
    const found: Problem[] = []
    const parsed = parse(schema, this.#defaults.complete(side, connection, written), path, found)
    for (const problem of found) {
      const common = this.#defaults.pathOf(side, connection, written, problem.path.slice(path.length))
      this.problems.push(common ? { ...problem, path: common, one: `route ${route}` } : problem)
    }
    return parsed
  }

  #warn(warnings: readonly Warning[] | undefined, path: Path): void {
    for (const w of warnings ?? [])
      this.warnings.push({ path: [...path, ...w.path], text: w.text, warning: true })
  }

  #refuse(path: Path, text: string): undefined {
    this.problems.push({ path, text })
  }
}

const bind = <O>(
  { name, options: connection }: ConnectionConfig,
  route: string,
  options: O,
): Endpoint<unknown, O> => ({
  connection,
  connectionName: name,
  route,
  options,
})
