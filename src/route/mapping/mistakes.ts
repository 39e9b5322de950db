import { sentence } from '../../core/errors.ts'

/** One mistake in the rules of a mapping. */
export interface Mistake {
  /** Below the rules: the index of the rule, its key, and so on; in what a rule itself throws, below the rule's key. */
  readonly path: readonly (string | number)[]
  readonly text: string
  /** In the key at `path` and not in its value. */
  readonly atKey?: true
  /** Where in the text at `path`, counted from 0. */
  readonly offset?: number
}

/** Rules that cannot be compiled, with every mistake that was found. */
export class RuleInvalid extends Error {
  override readonly name = 'RuleInvalid'
  readonly mistakes: readonly Mistake[]

  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(m => m.text).join('; '))
    this.mistakes = mistakes
  }
}

/** Collects mistakes, so that one hides no other. */
export class Mistakes {
  readonly #found: Mistake[] = []

  add(mistake: Mistake): void {
    this.#found.push(mistake)
  }

  /** What `compile` gives; what it throws is a mistake at this path. The result is worth something only once `raise` has returned. */
  at<T>(path: Mistake['path'], compile: () => T, atKey?: true): T {
    try {
      return compile()
    } catch (error) {
      if (error instanceof RuleInvalid) {
        this.#found.push(...error.mistakes.map(m => ({ ...m, path: [...path, ...m.path] })))
      } else {
        this.#found.push({ path, ...said(error), ...(atKey && { atKey }) })
      }
      return undefined as never
    }
  }

  /** Throws RuleInvalid when there was a mistake. */
  raise(): void {
    if (this.#found.length > 0) throw new RuleInvalid(this.#found)
  }
}

/** Expressions say where they are wrong. */
function said(error: unknown): Pick<Mistake, 'text' | 'offset'> {
  const { position } = error as { readonly position?: unknown }
  return { text: messageOf(error), ...(typeof position === 'number' && { offset: position }) }
}

/** JSONata throws plain objects. */
function messageOf(error: unknown): string {
  const { message } = error as { readonly message?: unknown }
  return error instanceof Error || typeof message !== 'string' ? sentence(error) : message
}
