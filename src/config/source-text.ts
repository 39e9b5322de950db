import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
  type YAMLMap,
} from 'yaml'
import { toError } from '../core/errors.ts'
import type { PlacedProblem, Problem } from './problem.ts'
import { offsetInScalar } from './scalar-offset.ts'

/** Uses of an anchor, times the anchors in it: what one for all of 300 routes needs, and far below what fills the memory. */
const maxAliasCount = 10_000

/** Each one costs the library a look at all before it. */
const maxAnchors = 1_000

interface Found {
  readonly offset: number
  readonly text: string
}

const tags = new Set(['str', 'int', 'float', 'bool', 'null', 'map', 'seq'].map(t => `tag:yaml.org,2002:${t}`))

/** What YAML allows and a configuration does not: a name twice, a name that is the prototype to JavaScript, and tags. */
function strangeParts(document: Parameters<typeof visit>[0]): readonly Found[] {
  const found: Found[] = []
  const lookAtTag = ({ tag, range }: Node) => {
    if (tag === undefined || tags.has(tag)) return
    found.push({
      offset: range?.[0] ?? 0,
      text: `no value can have the tag ${tag}: YAML is read without tags`,
    })
  }
  visit(document, {
    Map: (_, map) => {
      lookAtTag(map)
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key) || typeof key.value === 'symbol') continue
        const offset = key.range?.[0] ?? 0
        if (seen.has(key.value)) found.push({ offset, text: 'no well-formed YAML: Map keys must be unique' })
        // The schemas pass over it without a word.
        if (key.value === '__proto__') found.push({ offset, text: 'a key cannot have the name __proto__' })
        seen.add(key.value)
      }
    },
    Value: (_, value) => lookAtTag(value),
  })
  return found
}

/** A YAML text that knows where each of its values stands. */
export class SourceText {
  readonly file: string
  /** What the text says, as plain data. */
  readonly data: unknown
  /** What is wrong with the text as YAML. */
  readonly problems: PlacedProblem[]
  readonly #text: string
  readonly #document: ReturnType<typeof parseDocument>
  readonly #lines = new LineCounter()

  constructor(file: string, text: string) {
    this.file = file
    this.#text = text
    const anchors = text.match(/(^|[\s,[{])&[^\s,[\]{}]/g)?.length ?? 0
    if (anchors > maxAnchors) text = ''
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      merge: true,
      // Looked for below: the library compares each key of a map with all of its others.
      uniqueKeys: false,
    })
    this.problems = this.#document.errors.map(error => ({
      file,
      ...this.#position(error.pos[0]),
      path: [],
      text: `no well-formed YAML: ${error.message}`,
    }))
    if (anchors > maxAnchors) {
      this.#refuse([
        { offset: 0, text: `there are ${anchors} anchors (&NAME), and at most ${maxAnchors} can be` },
      ])
    }
    const replaced = text.indexOf('\ufffd')
    if (replaced >= 0) {
      const said = 'the file is no UTF-8 here (the character U+FFFD itself is written "\\uFFFD")'
      this.problems.push({ file, ...this.#position(replaced), path: [], text: said })
    }
    this.#refuse(strangeParts(this.#document))
    this.data = this.problems.length === 0 ? this.#toData() : undefined
  }

  #refuse(found: readonly Found[]): void {
    for (const { offset, text } of found)
      this.problems.push({ file: this.file, ...this.#position(offset), path: [], text })
  }

  /** Aliases are resolved only here, and one without its anchor is found only then. */
  #toData(): unknown {
    try {
      const data: unknown = this.#document.toJS({ maxAliasCount })
      if (holdsItself(data, new Set())) throw new Error('an alias stands inside of what it stands for itself')
      return data
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

  /** A map or list begins at its key; a plain value where it stands, or at the character that is meant. */
  #offset({ path, atKey, offset: within }: Problem): number {
    let node: unknown = this.#document.contents
    let offset = startOf(node)
    for (const [depth, step] of path.entries()) {
      node = this.#behind(node)
      const pair = isMap(node) ? this.#pair(node, String(step)) : undefined
      node = pair ? pair.value : isSeq(node) ? node.items[Number(step)] : undefined
      const wanted = pair && (!isScalar(node) || (atKey && depth === path.length - 1)) ? pair.key : node
      offset = startOf(wanted) ?? offset
    }
    node = this.#behind(node)
    if (within !== undefined && isScalar(node)) return offsetInScalar(this.#text, node, within) ?? offset ?? 0
    return offset ?? 0
  }

  /** What an alias stands for. */
  #behind(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node
  }

  /** The map's own, else that of a map which it merges (the key `<<` is read as a symbol). */
  #pair(map: YAMLMap, name: string): Pair | undefined {
    const own = map.items.find(({ key }) => isScalar(key) && String(key.value) === name)
    if (own) return own
    const merged = map.items.filter(({ key }) => isScalar(key) && typeof key.value === 'symbol')
    const sources = merged.flatMap(({ value }) => {
      const behind = this.#behind(value)
      return isSeq(behind) ? behind.items.map(item => this.#behind(item)) : [behind]
    })
    for (const source of sources) {
      const pair = isMap(source) ? this.#pair(source, name) : undefined
      if (pair) return pair
    }
    return undefined
  }

  #position(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
}

const startOf = (node: unknown): number | undefined => (isNode(node) ? (node as Node).range?.[0] : undefined)

function holdsItself(value: unknown, above: Set<unknown>): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (above.has(value)) return true
  above.add(value)
  const holds = Object.values(value).some(inner => holdsItself(inner, above))
  above.delete(value)
  return holds
}
