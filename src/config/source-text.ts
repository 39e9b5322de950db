import { isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { toError } from '../core/errors.ts'
import type { PlacedProblem, Problem } from './problem.ts'

/** A YAML text that knows where each of its values stands. */
export class SourceText {
  readonly file: string
  /** What the text says, as plain data. */
  readonly data: unknown
  /** What is wrong with the text as YAML. */
  readonly problems: PlacedProblem[]
  readonly #document: ReturnType<typeof parseDocument>
  readonly #lines = new LineCounter()

  constructor(file: string, text: string) {
    this.file = file
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    this.problems = this.#document.errors.map(error => ({
      file,
      ...this.#position(error.pos[0]),
      path: [],
      text: `no well-formed YAML: ${error.message}`,
    }))
    this.data = this.problems.length === 0 ? this.#toData() : undefined
  }

  /** Aliases are resolved only here, and one without its anchor is found only then. */
  #toData(): unknown {
    try {
      return this.#document.toJS()
    } catch (error) {
      const text = `no well-formed YAML: ${toError(error).message}`
      this.problems.push({ file: this.file, line: 1, column: 1, path: [], text })
      return undefined
    }
  }

  /** Where the problem is: at its value, its key, or the nearest thing above it that was written. */
  place(problem: Problem): PlacedProblem {
    return { ...problem, file: this.file, ...this.#position(this.#offset(problem)) }
  }

  /** A map or list begins at its key; a plain value where it stands. */
  #offset({ path, atKey }: Problem): number {
    let node: unknown = this.#document.contents
    let offset = startOf(node)
    for (const [depth, step] of path.entries()) {
      const pair = isMap(node)
        ? node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
        : undefined
      node = pair ? pair.value : isSeq(node) ? node.items[Number(step)] : undefined
      const wanted = pair && (!isScalar(node) || (atKey && depth === path.length - 1)) ? pair.key : node
      offset = startOf(wanted) ?? offset
    }
    return offset ?? 0
  }

  #position(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? (node as Node).range?.[0] : undefined)
