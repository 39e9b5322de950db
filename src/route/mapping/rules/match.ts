import { MessageRefused } from '../../../core/errors.ts'
import { text, type Value } from '../../../core/value.ts'
import { Mistakes } from '../mistakes.ts'
import type { Step } from '../step.ts'

/**
 * Gives what stands in the address to the expressions that follow, as `captures.NAME`. The first pattern that fits counts; a
 * message whose address none fits is refused.
 */
export function match(written: readonly string[]): Step {
  const mistakes = new Mistakes()
  const patterns = written.map((pattern, i) => mistakes.at([i], () => compilePattern(pattern)))
  mistakes.raise()
  return message => {
    for (const pattern of patterns) {
      const found = pattern(message.address)
      if (found) return { ...message, captures: { ...message.captures, ...found } }
    }
    throw new MessageRefused(`the address ${message.address} fits none of ${written.join(', ')}`)
  }
}

type Captures = Readonly<Record<string, Value>>

const captureName = /^[A-Za-z_][A-Za-z0-9_]*$/

/** One level of a pattern: exactly this text, or any, which may have a name. */
type Level = { readonly exactly: string } | { readonly any: string | undefined }

/**
 * Compiles `plant/{line}/+/#`: levels are separated by `/` where the pattern has one and else by `.`. `{NAME}` is any one level, `#` and
 * `{NAME...}` all that are left, also none; without a name any one level is `+` between slashes (MQTT), `*` between dots (AMQP
 * 0-9-1). Throws an Error for a pattern that is none.
 */
function compilePattern(pattern: string): (address: string) => Captures | undefined {
  if (pattern === '') throw new Error('expected a pattern such as plant/{line}/#')
  if (pattern === '+') {
    throw new Error(
      '+ is any level between slashes, and this pattern has none: write * or {NAME} for an address of one level',
    )
  }
  const separator = pattern.replaceAll(/\{[^}]*\}/g, '').includes('/') ? '/' : '.'
  const parts = pattern.split(separator === '/' ? /\/(?![^{]*\})/ : /\.(?![^{]*\})/)
  const rest = restOf(parts.at(-1)!)
  const levels = (rest ? parts.slice(0, -1) : parts).map(part => levelOf(part, separator))
  const names = [
    ...levels.flatMap(l => ('any' in l && l.any !== undefined ? [l.any] : [])),
    ...(rest?.name ? [rest.name] : []),
  ]
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new Error(`{${twice}} stands twice in "${pattern}"`)
  return address => {
    const found = address.split(separator)
    if (rest ? found.length < levels.length : found.length !== levels.length) return undefined
    const captures: Record<string, Value> = {}
    for (const [i, level] of levels.entries()) {
      if ('exactly' in level) {
        if (level.exactly !== found[i]) return undefined
      } else if (level.any !== undefined) captures[level.any] = text(found[i]!)
    }
    if (rest?.name !== undefined) captures[rest.name] = text(found.slice(levels.length).join(separator))
    return captures
  }
}

function restOf(part: string): { readonly name: string | undefined } | undefined {
  if (part === '#') return { name: undefined }
  const name = /^\{(.*)\.\.\.\}$/.exec(part)?.[1]
  return name === undefined ? undefined : { name: named(name) }
}

function levelOf(part: string, separator: string): Level {
  if (part === (separator === '/' ? '+' : '*')) return { any: undefined }
  const name = /^\{([^{}]*)\}$/.exec(part)?.[1]
  if (name?.endsWith('...') || part === '#')
    throw new Error(`${part} stands for all levels that are left, and so at the end only`)
  if (name !== undefined) return { any: named(name) }
  if (/[{}]/.test(part)) throw new Error(`expected a whole level as {NAME}, found "${part}"`)
  return { exactly: part }
}

function named(name: string): string {
  if (captureName.test(name)) return name
  throw new Error(`expected a name of letters, digits and "_" in {${name}}`)
}
