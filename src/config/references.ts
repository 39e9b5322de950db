import type { Problem } from './problem.ts'
import { readText } from './read-text.ts'

const reference = /\$\{(env|file):([^}]*)\}/g

/**
 * Replaces `${env:NAME}` and `${file:PATH}` in every text of the configuration. A file's last line break is not part of
 * its value. Other `${…}` are expressions of a mapping and stay.
 */
export class References {
  readonly problems: Problem[] = []
  readonly #standIns: boolean
  /** Values that came from outside, by their resolved text, with how they were written: to print without telling. */
  readonly #written = new Map<string, string>()

  /** With `standIns` a text stands for each value that is not there, and whether that matters the caller has to see. */
  constructor(standIns = false) {
    this.#standIns = standIns
  }

  resolve(data: unknown, path: readonly (string | number)[] = []): unknown {
    if (typeof data === 'string') return this.#resolveText(data, path)
    if (Array.isArray(data)) return data.map((item, i) => this.resolve(item, [...path, i]))
    if (typeof data !== 'object' || data === null) return data
    return Object.fromEntries(Object.entries(data).map(([k, v]) => [k, this.resolve(v, [...path, k])]))
  }

  /** A sentence with every resolved value in it put back as it was written. */
  hide(sentence: string): string {
    let hidden = sentence
    for (const [resolved, written] of this.#written) {
      if (resolved !== '') hidden = hidden.replaceAll(JSON.stringify(resolved).slice(1, -1), written)
    }
    return hidden
  }

  /** The text as it may be shown. */
  mask(text: string): string {
    return this.#written.get(text) ?? text
  }

  #resolveText(text: string, path: readonly (string | number)[]): string {
    if (!text.includes('${')) return text
    const resolved = text.replace(reference, (written: string, kind: string, name: string) => {
      try {
        return kind === 'env' ? fromEnvironment(name) : readText(name).replace(/\r?\n$/, '')
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        const reason = code === 'ENOENT' ? `there is no file ${name}` : message
        this.problems.push({ path, text: `${written} cannot be resolved: ${reason}` })
        return this.#standIns ? `stand-in-for-${kind}-${name}` : written
      }
    })
    if (resolved !== text) this.#written.set(resolved, text)
    return resolved
  }
}

function fromEnvironment(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`the environment variable ${name} is not set`)
  return value
}
