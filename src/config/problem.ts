/** One mistake in a configuration. */
export interface Problem {
  readonly path: readonly (string | number)[]
  readonly text: string
  /** Marks what is legal and may still surprise. */
  readonly warning?: true
  /** The mistake is in the key at `path`, not in its value. */
  readonly atKey?: true
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

/** The configuration cannot be used; `problems` holds every mistake that was found. */
export class ConfigInvalid extends Error {
  override readonly name = 'ConfigInvalid'
  readonly problems: readonly PlacedProblem[]

  constructor(problems: readonly PlacedProblem[]) {
    super(problems.map(formatProblem).join('\n'))
    this.problems = problems
  }
}
