import type { Scalar } from 'yaml'

/** What is replaced when the file is loaded: behind it, characters stand elsewhere than in the text that they became. */
const replaced = /\$\{\s*(?:env:|file:|item\b)/

/**
 * Where in the YAML text a character of a scalar stands; `within` counts in its value. Where that cannot be told (escapes in
 * double quotes, behind a `${env:…}`) it is the beginning of the scalar.
 */
export function offsetInScalar(
  yaml: string,
  { range, type, value }: Scalar,
  within: number,
): number | undefined {
  if (!range || typeof value !== 'string') return range?.[0]
  const [start, end] = range
  const source = yaml.slice(start, end)
  const first = replaced.exec(value)?.index ?? value.length
  if (within > first || (type === 'QUOTE_DOUBLE' && source.includes('\\'))) return start
  // Folding and indentation change blanks only, so the other characters are counted.
  const before = value.slice(0, within)
  const blanksBefore = before.length - before.trimEnd().length
  const isBlank = within >= value.length || /\s/.test(value[within]!)
  const wanted = before.replace(/\s/g, '').length
  const characters = charactersOf(source, contentStart(source, type), type === 'QUOTE_SINGLE')
  if (!isBlank) return start + (characters[wanted] ?? 0)
  const last = characters[wanted - 1]
  return last === undefined ? start : start + last + 1 + blanksBefore
}

function contentStart(source: string, type: Scalar['type']): number {
  if (type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED') return source.indexOf('\n') + 1
  return type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE' ? 1 : 0
}

/** Where the characters that are not blank stand; a quote in single quotes is written twice. */
function charactersOf(source: string, from: number, isQuoted: boolean): readonly number[] {
  const found: number[] = []
  for (let i = from; i < source.length; i++) {
    if (/\s/.test(source[i]!)) continue
    found.push(i)
    if (isQuoted && source[i] === "'") i++
  }
  return found
}
