import { RE2JS, RE2JSException } from 're2js'
import { MessageRefused } from '../../../core/errors.ts'
import { Stopwatch } from './stopwatch.ts'

const compiled = new WeakMap<RegExp, RE2JS>()

/**
 * The same regular expression for an engine whose time grows with the text and not with the ways to match it (RE2). Throws for
 * lookahead, lookbehind, backreferences and counts above 1,000, which RE2 does not have.
 */
export function linear(regexp: RegExp): RE2JS {
  const known = compiled.get(regexp)
  if (known) return known
  try {
    const made = RE2JS.compile(RE2JS.translateRegExp(regexp))
    compiled.set(regexp, made)
    return made
  } catch (cause) {
    if (!(cause instanceof RE2JSException)) throw cause
    throw new Error(
      `the regular expression ${regexp} has lookahead, lookbehind, a backreference or a count above 1000, ` +
        'none of which can be matched in a time that is bounded: write it without',
      { cause },
    )
  }
}

/** What JSONata's evaluator needs of a global RegExp (`RegexEngine`, jsonata 2.2: evaluateRegex). */
export class LinearRegExp {
  lastIndex = 0
  readonly #pattern: RE2JS
  readonly #stopwatch = new Stopwatch()

  constructor(regexp: RegExp) {
    this.#pattern = linear(regexp)
  }

  exec(text: string): RegExpExecArray | null {
    if (this.#stopwatch.isOver())
      throw new MessageRefused('its regular expressions take too long for this message')
    const matcher = this.#pattern.matcher(text)
    if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) {
      this.lastIndex = 0
      return null
    }
    this.lastIndex = matcher.end()
    const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined)
    return Object.assign(groups, { index: matcher.start(), input: text }) as RegExpExecArray
  }
}
