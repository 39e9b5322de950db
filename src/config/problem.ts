/** One mistake in a configuration. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly text: string
  /** Marks what is legal and may still surprise. */
  readonly warning?: true
  /** The mistake is in the key at `path`, not in its value. */
  readonly atKey?: true
  /** Where in the text at `path`, counted from 0: for mistakes in an expression. */
  readonly offset?: number
  /** For which of those that one text stands for: `item ORDERS`, `route orders`. */
  readonly one?: string
}

/** A problem with its place: lines and columns count from 1. */
export interface PlacedProblem extends Problem {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** `routes.orders.targets.main`; names that are no plain words are quoted. */
export const formatPath = (path: readonly (string | number)[]): string =>
  path
    .map(step =>
      typeof step === 'number' ? `[${step}]` : /^[\w-]+$/.test(step) ? `.${step}` : `["${step}"]`,
    )
    .join('')
    .replace(/^\./, '')

/** `file:line:column: path: text`, as editors and people read it. */
export function formatProblem({ file, line, column, path, text, warning }: PlacedProblem): string {
  const where = path.length === 0 ? '' : `${formatPath(path)}: `
  return `${file}:${line}:${column}: ${warning ? 'warning: ' : ''}${where}${text}`
}

/** By file and line. The same text at the same place is said once, with those that it is said of. */
export function inOrder(
  problems: readonly PlacedProblem[],
  files: readonly string[],
): readonly PlacedProblem[] {
  const order = new Map(files.map((file, i) => [file, i]))
  const told = new Map<string, { readonly problem: PlacedProblem; readonly ones: Set<string> }>()
  for (const { one, ...problem } of problems) {
    const { file, line, column, path, text } = problem
    const key = JSON.stringify([file, line, column, path, text])
    const same = told.get(key) ?? { problem, ones: new Set() }
    told.set(key, same)
    if (one !== undefined) same.ones.add(one)
  }
  return Array.from(told.values(), ({ problem, ones }) => ({
    ...problem,
    text: problem.text + namesOf([...ones]),
  })).toSorted(
    (a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.line - b.line || a.column - b.column,
  )
}

function namesOf(ones: readonly string[]): string {
  if (ones.length === 0) return ''
  const shown = ones.length > 4 ? [...ones.slice(0, 3), `${ones.length - 3} more`] : ones
  return ` (${shown.join(', ').replace(/, ([^,]*)$/, ' and $1')})`
}

/** The configuration cannot be used; `problems` holds every mistake that was found. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid'
  readonly problems: readonly PlacedProblem[]

  constructor(problems: readonly PlacedProblem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}
