import { adapters } from '../adapters/index.ts'
import { sentence } from '../core/errors.ts'
import { adminWarnings } from './admin.ts'
import type { BridgeConfig, DeadLetterEnd, RouteConfig, TargetEnd } from './bridge-config.ts'

import { circleProblems } from './circles.ts'
import { EndDefaults } from './defaults.ts'
import { diskProblems, diskWarnings } from './disk.ts'
import { Ends, isMap } from './ends.ts'
import { MappingFiles } from './mapping-files.ts'
import { isAnyOrdered, orderProblems } from './order.ts'
import { parse } from './parse.ts'
import { pauseProblems } from './pause.ts'
import { placeProblems } from './places.ts'
import { ConfigInvalid, formatPath, type PlacedProblem, type Problem } from './problem.ts'
import { readText } from './read-text.ts'
import { References } from './references.ts'
import { replyProblems } from './replies.ts'
import { type RuleCheck, ruleProblems } from './rules.ts'
import { type File, fileSchema, type RouteInFile } from './schema.ts'
import { SourceText } from './source-text.ts'
import { Sources } from './sources.ts'

export interface Loaded {
  readonly config: BridgeConfig
  /** The file as it was parsed, with the defaults of the parts without a protocol. */
  readonly file: File
  readonly references: References
  readonly warnings: readonly PlacedProblem[]
  /** Finds the places of problems that somebody else found in this configuration. */
  place(problems: readonly Problem[]): readonly PlacedProblem[]
}

export interface LoadOptions {
  /** No link is opened: an `${env:…}` or `${file:…}` that is not there is wrong only where nothing can stand for it. */
  readonly standIns?: boolean
  /** What it finds in the rules of mappings is told with the other mistakes. */
  readonly checkRule?: RuleCheck
}

/** Reads and checks a configuration file. Throws ConfigInvalid with every mistake that can be found at once. */
export async function load(file: string, options: LoadOptions = {}): Promise<Loaded> {
  let text: string
  try {
    text = readText(file)
  } catch (error) {
    const found = `the file cannot be read: ${sentence(error)}`
    throw new ConfigInvalid([{ file, line: 1, column: 1, path: [], text: found }])
  }
  return loadText(file, text, options)
}

/** Like `load`, for a text that has been read; `name` is what problems call the file, and where includes are looked for. */
export function loadText(name: string, written: string, options: LoadOptions = {}): Loaded {
  const { standIns = false, checkRule } = options
  const text = new SourceText(name, written)
  if (text.problems.length > 0) throw new ConfigInvalid(text.problems)
  const references = new References(standIns)
  const include = isMap(text.data) ? references.resolve(text.data.include, ['include']) : undefined
  if (references.problems.length > 0) throw new ConfigInvalid(references.problems.map(p => text.place(p)))
  const sources = new Sources(text, include, Object.keys(fileSchema.shape))
  if (sources.isTorn) throw new ConfigInvalid(sources.place([]))
  const data = references.resolve(sources.data)
  const problems: Problem[] = [...references.problems]
  const file = parse(fileSchema, data ?? {}, [], problems)
  // The ends are checked on what was written, so that a mistake in one part hides none in another.
  const routes = isMap(data) && isMap(data.routes) ? data.routes : {}
  const defaults = isMap(data) && isMap(data.defaults) ? data.defaults : {}
  const connections = isMap(data) ? data.connections : undefined
  const endDefaults = new EndDefaults(defaults, connections, problems)
  const ends = new Ends(adapters, connections, endDefaults, problems)
  const files = new MappingFiles(path => sources.fileOf(path), problems)
  const configs = Object.entries(routes).map(([route, keys]) => {
    return isMap(keys) ? routeConfig(route, keys, defaults.dead_letter, file, ends, files) : undefined
  })
  const known = configs.filter(c => c !== undefined)
  problems.push(
    ...(checkRule ? ruleProblems(data, files, checkRule) : []),
    ...known.flatMap(orderProblems),
    ...known.flatMap(pauseProblems),
    ...known.flatMap(placeProblems),
    ...replyProblems(known, file?.request_reply),
    ...diskProblems(known),
    ...circleProblems(known),
  )
  // A text that could not be resolved is wrong in whatever other way only because of that.
  const unresolved = new Set(references.problems.map(p => formatPath(p.path)))
  const others = problems.filter(p => !references.problems.includes(p))
  const wrong = new Set(others.map(p => formatPath(p.path)))
  const told = [
    ...references.problems.filter(p => !standIns || wrong.has(formatPath(p.path))),
    ...others.filter(p => !unresolved.has(formatPath(p.path))),
  ]
  const placed = sources.place(told.map(p => ({ ...p, text: references.hide(p.text) })))
  if (placed.length > 0 || !file) throw new ConfigInvalid(placed)
  const config: BridgeConfig = {
    connections: ends.connections,
    routes: known,
    id: file.id,
    requestReply: file.request_reply,
    admin: file.admin,
    tests: file.tests ?? [],
    logLevel: file.log_level,
    stopTimeout: file.stop_timeout,
  }
  return {
    config,
    file,
    references,
    warnings: sources.place([
      ...endDefaults.unused,
      ...ends.warnings,
      ...diskWarnings(known),
      ...adminWarnings(file.admin),
    ]),
    place: problems => sources.place(problems),
  }
}

function routeConfig(
  name: string,
  written: Readonly<Record<string, unknown>>,
  defaultDeadLetter: unknown,
  file: File | undefined,
  ends: Ends,
  files: MappingFiles,
): RouteConfig | undefined {
  const path = ['routes', name]
  const rules = (mapping: RouteInFile['mapping'] = [], above: readonly string[] = path) =>
    files.complete(mapping, i => [...above, 'mapping', i])
  const from = ends.source(written.from, [...path, 'from'], name)
  const targets = new Map<string, TargetEnd>()
  for (const [target, keys] of Object.entries(isMap(written.targets) ? written.targets : {})) {
    if (!isMap(keys)) continue
    const { mapping: _, allow: __, ...options } = keys
    const end = ends.sink(options, [...path, 'targets', target], name)
    const parsed = file?.routes[name]?.targets[target]
    const mapping = rules(parsed?.mapping, [...path, 'targets', target])
    if (end) targets.set(target, { ...end, mapping, allow: parsed?.allow })
  }
  const own = written.dead_letter !== undefined
  const places = own ? written.dead_letter : defaultDeadLetter
  if (places === undefined) {
    ends.problems.push({
      path,
      text: 'missing dead_letter, here or under defaults; no message may be dropped',
    })
  }
  const deadLetters: DeadLetterEnd[] = []
  for (const [i, keys] of (Array.isArray(places) ? places : []).entries()) {
    const at = own ? [...path, 'dead_letter', i] : ['defaults', 'dead_letter', i]
    const end = ends.deadLetter(keys, at, name, from)
    if (end) deadLetters.push(end)
  }
  const parsed: RouteInFile | undefined = file?.routes[name]
  if (!file || !parsed || !from) return undefined
  return {
    name,
    from,
    targets,
    deadLetters,
    mapping: [...rules(file.defaults.mapping, ['defaults']), ...rules(parsed.mapping)],
    buffer: { ...file.defaults.buffer, ...given(parsed.buffer) },
    retry: { ...file.defaults.retry, ...given(parsed.retry) },
    breaker: { ...file.defaults.breaker, ...given(parsed.breaker) },
    maxRate: parsed.max_rate ?? file.defaults.max_rate,
    // Somebody waits for a reply, and should learn that it came too late.
    expired:
      parsed.expired ?? file.defaults.expired ?? (parsed.request || parsed.reply ? 'dead_letter' : 'drop'),
    deadLetterPause: { ...file.defaults.dead_letter_pause, ...given(parsed.dead_letter_pause) },
    ordering: parsed.ordering ?? (isAnyOrdered(targets) ? 'by_group' : 'none'),
    onRefused: parsed.on_refused,
    request: parsed.request,
    reply: parsed.reply ?? false,
    maxHops: parsed.max_hops,
    loop: parsed.loop,
  }
}

/** Only the keys that were written. */
const given = <T extends object>(keys: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(keys ?? {}).filter(([, v]) => v !== undefined)) as never
