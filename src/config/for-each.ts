import { z } from 'zod'
import { isMap } from './ends.ts'
import type { Problem } from './problem.ts'

type Path = readonly (string | number)[]
type Keys = Readonly<Record<string, unknown>>

/** What `for_each` repeats a route for. */
export const forEach = z
  .array(
    z.union([z.string().min(1), z.record(z.string(), z.unknown())], {
      error: 'expected a text (a number is written in quotes) or a map',
    }),
  )
  .min(1, { error: 'expected at least one item' })

/** A route as it is after its `for_each`. */
export interface Repeated {
  readonly name: string
  readonly keys: unknown
  /** What it was made for, as problems name it: `item ORDERS`, `item 2 (from: ORDERS)`. */
  readonly item: string
}

const whole = /\$\{\s*item\b[^}]*\}/
const path = String.raw`\$\{item((?:\.[A-Za-z0-9_-]+)*)\}`
const alone = new RegExp(`^${path}$`)
const each = new RegExp(path, 'g')

/**
 * One route for each item, with `${item}` and `${item.key}` replaced in its name and in all its texts: before anything else
 * is read in them, so that an item may stand inside an expression. Where it is a whole text it keeps its kind; beside
 * other text only a text can stand. Paths of problems are those of the written route, below `at`; an item with problems makes
 * no route.
 */
export function repeat(
  name: string,
  written: Keys,
  items: z.output<typeof forEach>,
  at: Path,
  problems: Problem[],
): readonly Repeated[] {
  const { for_each: _, ...keys } = written
  return items.flatMap((item, i) => {
    const one = typeof item === 'string' ? `item ${item}` : describe(item, i)
    const found: Problem[] = []
    const full = fill(name, item, text => found.push({ path: at, text, one, atKey: true }))
    const filled = walk(
      keys,
      at,
      (text, path) => fill(text, item, said => found.push({ path, text: said, one })),
      (key, path) => {
        if (!whole.test(key)) return
        const said = '${item} stands in a key, where nothing is replaced'
        found.push({ path, text: said, one, atKey: true })
      },
    )
    problems.push(...found)
    return found.length === 0 ? [{ name: String(full), keys: filled, item: one }] : []
  })
}

/** Texts that speak of an item where there is none. */
export function strayItems(data: unknown, at: Path, hint: string): readonly Problem[] {
  const problems: Problem[] = []
  walk(data, at, (text, path) => {
    if (whole.test(text))
      problems.push({ path, text: `\${item} stands for an item of for_each, and ${hint}` })
    return text
  })
  return problems
}

function describe(item: Keys, index: number): string {
  const [first] = Object.entries(item).filter(([, value]) => typeof value === 'string')
  return `item ${index + 1}${first ? ` (${first.join(': ')})` : ''}`
}

function walk(
  data: unknown,
  at: Path,
  replace: (text: string, at: Path) => unknown,
  look: (key: string, at: Path) => void = () => {},
): unknown {
  if (typeof data === 'string') return data.includes('${') ? replace(data, at) : data
  if (Array.isArray(data)) return data.map((value, i) => walk(value, [...at, i], replace, look))
  if (!isMap(data)) return data
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      look(key, [...at, key])
      return [key, walk(value, [...at, key], replace, look)]
    }),
  )
}

function fill(text: string, item: unknown, refuse: (text: string) => void): unknown {
  const [, lone] = alone.exec(text) ?? []
  if (lone !== undefined) return find(item, lone, refuse)
  const filled = text.replace(each, (written: string, steps: string) => {
    const value = find(item, steps, refuse)
    if (typeof value === 'string') return value
    if (value !== undefined)
      refuse(`${written} is ${kindOf(value)}: beside other text stands only a text, in quotes`)
    return ''
  })
  const [rest] = whole.exec(filled) ?? []
  if (rest !== undefined) {
    refuse(
      `${rest} is no place of an item: write \${item} or \${item.key}; it is replaced when the file is loaded`,
    )
  }
  return filled
}

function find(item: unknown, steps: string, refuse: (text: string) => void): unknown {
  let value = item
  for (const step of steps.split('.').slice(1)) {
    if (!isMap(value) || !Object.hasOwn(value, step)) {
      const known = isMap(value) ? `; it has ${Object.keys(value).join(', ')}` : ', and it is no map'
      refuse(`\${item${steps}} is not there: the item has no ${step}${known}`)
      return undefined
    }
    value = value[step]
  }
  return value
}

const kindOf = (value: unknown): string => {
  if (isMap(value)) return `a map with ${Object.keys(value).join(', ')}`
  return Array.isArray(value) ? 'a list' : `no text but ${JSON.stringify(value)}`
}
