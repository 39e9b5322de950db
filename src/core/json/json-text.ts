import { maxDepth } from './typed-json.ts'

/**
 * JSON as it stands in its text. `JSON.parse` loses the digits of large numbers, the order of keys that look like indexes,
 * and keys that stand there twice.
 */
export type JsonText =
  | null
  | boolean
  | string
  | Digits
  | readonly JsonText[]
  | { readonly pairs: readonly (readonly [key: string, value: JsonText])[] }

/** A number as it is written. */
export class Digits {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** Throws for a text that is no JSON (RFC 8259), and for one that is nested more than `maxDepth` deep. */
export function parseJsonText(json: string): JsonText {
  const reader = new Reader(json)
  const value = reader.value(0)
  reader.end()
  return value
}

const blanks = /[ \t\n\r]*/y
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  value(depth: number): JsonText {
    if (depth > maxDepth) throw new RangeError(`values nested more than ${maxDepth} deep`)
    this.#take(blanks)
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string()
      case '[':
        return this.#list(']', () => this.value(depth + 1))
      case '{':
        return { pairs: this.#list('}', () => this.#entry(depth + 1)) }
    }
    const word = this.#take(scalar)
    if (word === '') throw this.#wrong()
    if (word === 'null') return null
    return word === 'true' || word === 'false' ? word === 'true' : new Digits(word)
  }

  end(): void {
    this.#take(blanks)
    if (this.#at < this.#text.length) throw this.#wrong()
  }

  #list<T>(close: string, item: () => T): T[] {
    const items: T[] = []
    this.#at++
    if (this.#next(close)) return items
    do items.push(item())
    while (this.#next(','))
    if (!this.#next(close)) throw this.#wrong()
    return items
  }

  #entry(depth: number): readonly [string, JsonText] {
    this.#take(blanks)
    const key = this.#string()
    if (!this.#next(':')) throw this.#wrong()
    return [key, this.value(depth)]
  }

  #string(): string {
    const from = this.#at
    if (this.#text[from] !== '"') throw this.#wrong()
    let end = from + 1
    while (this.#text[end] !== '"') {
      if (end >= this.#text.length) throw this.#wrong()
      end += this.#text[end] === '\\' ? 2 : 1
    }
    this.#at = end + 1
    return JSON.parse(this.#text.slice(from, this.#at))
  }

  /** Is this character the next one? Then it is taken. */
  #next(character: string): boolean {
    this.#take(blanks)
    if (this.#text[this.#at] !== character) return false
    this.#at++
    return true
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const [found = ''] = pattern.exec(this.#text) ?? []
    this.#at += found.length
    return found
  }

  #wrong(): Error {
    return new SyntaxError(`no JSON at character ${this.#at + 1}`)
  }
}
