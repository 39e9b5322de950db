import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { sentence } from '../core/errors.ts'
import { isMap } from './ends.ts'
import type { Problem } from './problem.ts'
import type { RouteInFile } from './schema.ts'
import { type Rows, rowsOfCsv, rowsOfYaml } from './tables.ts'

type Path = Problem['path']
type RuleInFile = RouteInFile['mapping'][number]

/** A rule with what stands in the file that it names. */
export type LoadedRule = Omit<RuleInFile, 'validate' | 'lookup'> & {
  readonly validate?: (NonNullable<RuleInFile['validate']> & { readonly document: unknown }) | undefined
  readonly lookup?: (NonNullable<RuleInFile['lookup']> & { readonly rows: Rows }) | undefined
}

/**
 * Reads the files that the rules of mappings name: schemas and tables, each once. Names are relative to the folder of the file
 * that the rule is written in. A file that is missing or malformed is a problem where its name is written, and the rule is left
 * out.
 */
export class MappingFiles {
  readonly #read = new Map<string, { readonly content?: unknown; readonly mistake?: string }>()
  readonly #fileOf: (path: Path) => string
  readonly #problems: Problem[]

  /** `fileOf` knows the file of the configuration in which the part at a path is written. */
  constructor(fileOf: (path: Path) => string, problems: Problem[]) {
    this.#fileOf = fileOf
    this.#problems = problems
  }

  /** `pathOf` gives the place of a rule by its index. */
  complete(rules: readonly RuleInFile[], pathOf: (index: number) => Path): readonly LoadedRule[] {
    return rules.flatMap((rule, i): LoadedRule[] => {
      const { validate, lookup, ...others } = rule
      if (validate) {
        const document = this.#content(validate.schema, [...pathOf(i), 'validate', 'schema'], documentIn)
        return document === undefined ? [] : [{ validate: { ...validate, document } }]
      }
      if (lookup) {
        const table = (file: string, text: string) => rowsIn(file, text, lookup.column)
        const at = [...pathOf(i), 'lookup', 'file']
        const rows = this.#content(lookup.file, at, table, lookup.column)
        return rows === undefined ? [] : [{ lookup: { ...lookup, rows } }]
      }
      return [others]
    })
  }

  #content<T>(
    name: string,
    path: Path,
    parse: (file: string, text: string) => T,
    variant = '',
  ): T | undefined {
    const file = resolve(dirname(this.#fileOf(path)), name)
    const key = JSON.stringify([file, path.at(-2), variant])
    const known = this.#read.get(key) ?? contentOf(file, parse)
    this.#read.set(key, known)
    if (known.mistake !== undefined) this.#problems.push({ path, text: known.mistake })
    return known.content as T | undefined
  }
}

function contentOf<T>(file: string, parse: (file: string, text: string) => T) {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read: ${sentence(error)}`
    return { mistake: reason }
  }
  try {
    return { content: parse(file, text) }
  } catch (error) {
    return { mistake: `${file}: ${sentence(error)}` }
  }
}

function rowsIn(file: string, text: string, column: string | undefined): Rows {
  if (/\.csv$/i.test(file)) return rowsOfCsv(text, column)
  if (!/\.ya?ml$/i.test(file)) throw new Error('expected a table whose name ends in .csv, .yaml or .yml')
  if (column !== undefined)
    throw new Error('expected no column: the keys of a YAML table are those of its map')
  return rowsOfYaml(text)
}

/** A JSON Schema, which may be true or false as well. */
function documentIn(file: string, text: string): unknown {
  const document = /\.ya?ml$/i.test(file) ? parse(text) : JSON.parse(text)
  if (isMap(document) || typeof document === 'boolean') return document
  throw new Error('expected a JSON Schema, which is a map of keywords')
}
