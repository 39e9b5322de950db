/** A field that is not as it should be; the place grows on the way out. */
export class FieldWrong extends Error {
  readonly path: string
  readonly said: string

  constructor(path: string, said: string) {
    super(path === '' ? said : `${path}: ${said}`)
    this.path = path
    this.said = said
  }

  static at(name: string, thrown: unknown): FieldWrong {
    if (!(thrown instanceof FieldWrong)) return new FieldWrong(name, String((thrown as Error).message))
    return new FieldWrong(thrown.path === '' ? name : `${name}.${thrown.path}`, thrown.said)
  }
}

/**
 * The fields of a JSON object that anybody may have written, or cut. Each reader throws FieldWrong; `end` throws for a field that
 * nobody asked for, since what is not known cannot be kept.
 */
export class Fields {
  readonly #json: Readonly<Record<string, unknown>>
  readonly #asked = new Set<string>()

  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      throw new FieldWrong('', `expected an object, found ${spoken(json)}`)
    }
    this.#json = json as Readonly<Record<string, unknown>>
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#json, name)
  }

  any(name: string): unknown {
    this.#asked.add(name)
    return this.has(name) ? this.#json[name] : undefined
  }

  text(name: string): string {
    return this.#of(name, 'text', (v): v is string => typeof v === 'string')
  }

  number(name: string): number {
    return this.#of(name, 'a number', (v): v is number => typeof v === 'number')
  }

  /** Milliseconds since 1970, within what a date can be. */
  time(name: string): number {
    return this.#of(name, 'a time', (v): v is number => typeof v === 'number' && Math.abs(v) <= 8.64e15)
  }

  bool(name: string): boolean {
    return this.#of(name, 'true or false', (v): v is boolean => typeof v === 'boolean')
  }

  list(name: string): readonly unknown[] {
    return this.#of(name, 'a list', (v): v is unknown[] => Array.isArray(v))
  }

  one<T extends string>(name: string, choices: readonly T[]): T {
    return this.#of(name, choices.join(' or '), (v): v is T => choices.includes(v as T))
  }

  bytes(name: string): Uint8Array {
    const text = this.text(name)
    const bytes = Buffer.from(text, 'base64')
    if (bytes.toString('base64') !== text) throw new FieldWrong(name, 'expected base64')
    return new Uint8Array(bytes)
  }

  /** Each field by its name, whatever those are. */
  each<T>(read: (json: unknown, name: string) => T): Record<string, T> {
    const names = Object.keys(this.#json)
    for (const name of names) this.#asked.add(name)
    return Object.fromEntries(names.map(name => [name, this.#at(name, () => read(this.#json[name], name))]))
  }

  /** What is thrown in reading it, with the place. */
  read<T>(name: string, read: (json: unknown) => T): T {
    return this.#at(name, () => read(this.any(name)))
  }

  end(): void {
    const other = Object.keys(this.#json).find(name => !this.#asked.has(name))
    if (other !== undefined) {
      throw new FieldWrong(other, 'not known here: was it written by a newer version?')
    }
  }

  #of<T>(name: string, expected: string, is: (value: unknown) => value is T): T {
    const value = this.any(name)
    if (is(value)) return value
    throw new FieldWrong(name, `expected ${expected}, found ${spoken(value)}`)
  }

  #at<T>(name: string, read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw FieldWrong.at(name, error)
    }
  }
}

function spoken(value: unknown): string {
  if (value === undefined) return 'nothing'
  const json = JSON.stringify(value)
  return json.length <= 40 ? json : `${json.slice(0, 40)}…`
}
