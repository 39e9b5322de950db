import { isMap } from './ends.ts'
import { forEach, repeat, strayItems } from './for-each.ts'
import { includable, included, includedProblems } from './include.ts'
import { parse } from './parse.ts'
import { inOrder, type PlacedProblem, type Problem } from './problem.ts'
import { SourceText } from './source-text.ts'

/** Where a connection, a route or a test was written. */
interface Origin {
  readonly text: SourceText
  /** Its name as it was written, with `${item}`; its number in the list of its text. */
  readonly written: string | number
  readonly item?: string
}

/**
 * The texts of a configuration as one: the main file, what it includes, and a route for each item of a `for_each`. Knows
 * where each part was written.
 */
export class Sources {
  /** All that is written, as if it stood in one file. */
  readonly data: unknown
  /** Some text is missing or cannot be read, so that what the others say is not all. */
  readonly isTorn: boolean
  /** What is wrong with the texts themselves and with how they are put together. */
  readonly #problems: PlacedProblem[] = []
  readonly #main: SourceText
  /** In the order in which problems are shown. */
  readonly #files: string[]
  readonly #origins = new Map<string, Map<string, Origin>>()

  /** `include` is what the main file says of it, resolved; `known` are the keys of a main file. */
  constructor(main: SourceText, include: unknown, known: readonly string[]) {
    this.#main = main
    this.#files = [main.file]
    this.#problems.push(...main.problems)
    const texts = [main, ...this.#included(include)]
    this.isTorn = this.#problems.length > 0
    for (const text of texts.slice(1)) this.#problems.push(...includedProblems(text, known))
    this.data = isMap(main.data) ? this.#together(main.data, texts) : main.data
  }

  /**
   * Its own problems and these, with their places, in the order of the files and of their lines; what is said of many is
   * said once.
   */
  place(problems: readonly Problem[]): readonly PlacedProblem[] {
    return inOrder([...this.#problems, ...problems.map(problem => this.#place(problem))], this.#files)
  }

  /** The file in which the part at a path is written. */
  fileOf([section, name]: Problem['path']): string {
    return (this.#originOf(section, name)?.text ?? this.#main).file
  }

  #place(problem: Problem): PlacedProblem {
    const [section, name, ...rest] = problem.path
    const origin = this.#originOf(section, name)
    if (!origin) return this.#main.place(problem)
    const { text, written, item } = origin
    const path = [section!, written, ...rest]
    if (item === undefined) return text.place({ ...problem, path })
    // With the item in its place, a text has other columns than as it was written.
    const { offset: _, ...whole } = problem
    return text.place({ ...whole, path, one: item })
  }

  #originOf(section: string | number | undefined, name: string | number | undefined): Origin | undefined {
    return this.#origins.get(String(section))?.get(String(name))
  }

  #included(include: unknown): readonly SourceText[] {
    const problems: Problem[] = []
    const read = included(this.#main, include, problems)
    this.#problems.push(...problems.map(p => this.#main.place(p)))
    return read.flatMap(text => {
      this.#files.push(text.file)
      this.#problems.push(...(text instanceof SourceText ? text.problems : [text]))
      return text instanceof SourceText && text.problems.length === 0 ? [text] : []
    })
  }

  #together(main: Readonly<Record<string, unknown>>, texts: readonly SourceText[]): unknown {
    this.#tell(this.#main, strayItems(main.defaults, ['defaults'], 'defaults are the same for all routes'))
    const sections = includable.flatMap(section => {
      if (section in main && (section === 'tests' ? !Array.isArray(main[section]) : !isMap(main[section]))) {
        return [[section, main[section]]]
      }
      this.#origins.set(section, new Map())
      const parts = texts.flatMap(text => this.#parts(text, section))
      if (parts.length === 0 && !(section in main)) return []
      return [[section, section === 'tests' ? parts.map(([, test]) => test) : Object.fromEntries(parts)]]
    })
    return { ...main, ...Object.fromEntries(sections) }
  }

  #parts(text: SourceText, section: string): readonly (readonly [string, unknown])[] {
    const written = isMap(text.data) ? text.data[section] : undefined
    if (section === 'tests') {
      if (!Array.isArray(written)) return []
      const origins = this.#origins.get(section)!
      return written.map((test, i) => {
        const index = String(origins.size)
        origins.set(index, { text, written: i })
        return [index, test]
      })
    }
    return Object.entries(isMap(written) ? written : {}).flatMap(([name, keys]) =>
      section === 'routes' ? this.#routes(text, name, keys) : this.#one(text, section, name, keys),
    )
  }

  #routes(text: SourceText, name: string, keys: unknown): readonly [string, unknown][] {
    const at = ['routes', name]
    if (!isMap(keys) || keys.for_each === undefined) {
      this.#tell(text, strayItems({ [name]: keys }, ['routes'], 'this route has none'))
      return this.#one(text, 'routes', name, keys)
    }
    const problems: Problem[] = []
    const items = parse(forEach, keys.for_each, [...at, 'for_each'], problems)
    const made = items ? repeat(name, keys, items, at, problems) : []
    this.#tell(text, problems)
    return made.flatMap(({ name: unique, keys: own, item }) =>
      this.#one(text, 'routes', unique, own, name, item),
    )
  }

  #one(
    text: SourceText,
    section: string,
    name: string,
    keys: unknown,
    written = name,
    item?: string,
  ): readonly [string, unknown][] {
    const origins = this.#origins.get(section)!
    const first = origins.get(name)
    if (!first) {
      origins.set(name, { text, written, ...(item !== undefined && { item }) })
      return [[name, keys]]
    }
    this.#tell(text, [
      { path: [section, written], atKey: true, text: twice(section, name, first, written, item) },
    ])
    return []
  }

  #tell(text: SourceText, problems: readonly Problem[]): void {
    this.#problems.push(...problems.map(p => text.place(p)))
  }
}

function twice(section: string, name: string, first: Origin, written: string, item?: string): string {
  const { file, line, column } = first.text.place({ path: [section, first.written], text: '' })
  const what = section.replace(/s$/, '')
  const by = first.item === undefined ? '' : ` for ${first.item}`
  const own = item === undefined ? '' : ` for ${item}`
  const hint = written === name && item !== undefined ? ': write ${item} in the name' : ''
  return `the ${what} ${name}${own} is there already, at ${file}:${line}:${column}${by}${hint}`
}
