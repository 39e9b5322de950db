import { globSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { sentence } from '../core/errors.ts'
import { isMap } from './ends.ts'
import type { PlacedProblem, Problem } from './problem.ts'
import { readText } from './read-text.ts'
import { SourceText } from './source-text.ts'

/** What an included file may hold; all else is said once, in the file that includes. */
export const includable: readonly string[] = ['connections', 'routes', 'tests']

/**
 * The files that `include` names, each once, in the order of its patterns and then of their names. Patterns are relative to
 * the folder of `from`, which is never one of its own files; `*` stands for no name that begins with a dot. A pattern without a
 * file is a problem. Includes do not nest.
 */
export function included(
  from: SourceText,
  include: unknown,
  problems: Problem[],
): readonly (SourceText | PlacedProblem)[] {
  const folder = dirname(from.file)
  const seen = new Set([resolve(from.file)])
  return (Array.isArray(include) ? include : []).flatMap((pattern, i) => {
    if (typeof pattern !== 'string') return []
    const found = filesOf(pattern, folder).filter(file => resolve(file) !== resolve(from.file))
    if (found.length === 0) {
      const text = `no file is matched by "${pattern}" in the folder ${resolve(folder)}`
      problems.push({ path: ['include', i], text })
    }
    const fresh = found.filter(file => !seen.has(resolve(file)))
    for (const file of fresh) seen.add(resolve(file))
    return fresh.map(textOf)
  })
}

const filesOf = (pattern: string, folder: string): readonly string[] =>
  globSync(pattern, { cwd: folder })
    .filter(file => isFile(resolve(folder, file)))
    .sort()
    .map(file => (resolve(file) === file ? file : join(folder, file)))

/** A link that leads nowhere counts, so that reading it says so. */
function isFile(path: string): boolean {
  try {
    return !statSync(realpathSync(path)).isDirectory()
  } catch {
    return true
  }
}

function textOf(file: string): SourceText | PlacedProblem {
  try {
    return new SourceText(file, readText(file))
  } catch (error) {
    const text = `the included file cannot be read: ${sentence(error)}`
    return { file, line: 1, column: 1, path: [], text }
  }
}

/** What an included file says that it may not. `known` are the keys of the file that includes. */
export function includedProblems(text: SourceText, known: readonly string[]): readonly PlacedProblem[] {
  const { data } = text
  const forms = includable.join(', ').replace(/, (\w+)$/, ' and $1')
  const one = forms.replace(' and ', ' or ')
  if (!isMap(data)) {
    const found = Array.isArray(data) ? 'a list' : data === null || data === undefined ? 'nothing' : 'a text'
    return [text.place({ path: [], text: `expected a map with ${one}, found ${found}` })]
  }
  return Object.entries(data).flatMap(([key, value]) => {
    if (!includable.includes(key)) {
      const problem = known.includes(key)
        ? `belongs in the file that includes this one; here are only ${forms}`
        : `unknown key; expected ${one}`
      return [text.place({ path: [key], atKey: true, text: problem })]
    }
    if (key === 'tests' ? Array.isArray(value) : isMap(value)) return []
    return [text.place({ path: [key], text: `expected a ${key === 'tests' ? 'list' : 'map of names'}` })]
  })
}
