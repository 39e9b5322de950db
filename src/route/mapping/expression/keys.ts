import { LargeInteger } from './large-integer.ts'

/** Has an object in this JSON text a key twice? `parsed` is what a reader made of it that keeps the last one. */
export function hasKeyTwice(json: string, parsed: unknown): boolean {
  const count = keysIn(parsed)
  return count < mostKeysWritten(json) && count < keysWritten(json)
}

function keysIn(parsed: unknown): number {
  if (typeof parsed !== 'object' || parsed === null || parsed instanceof LargeInteger) return 0
  let count = 0
  if (Array.isArray(parsed)) {
    for (const item of parsed) count += keysIn(item)
    return count
  }
  for (const key in parsed) count += 1 + keysIn((parsed as { readonly [key: string]: unknown })[key])
  return count
}

/** Colons behind a quote: one for each key, and few in texts. Counting what is sure takes twice as long. */
function mostKeysWritten(json: string): number {
  let count = 0
  for (let at = json.indexOf(':'); at >= 0; at = json.indexOf(':', at + 1)) {
    let before = at - 1
    while (isSpace(json.charCodeAt(before))) before--
    if (json.charCodeAt(before) === quote) count++
  }
  return count
}

/** Texts before a colon, in what is known to be JSON. */
function keysWritten(json: string): number {
  let count = 0
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at + 1)) {
    do at = json.indexOf('"', at + 1)
    while (isEscaped(json, at))
    let next = at + 1
    while (isSpace(json.charCodeAt(next))) next++
    if (json.charCodeAt(next) === colon) count++
  }
  return count
}

const [quote, colon, backslash] = [0x22, 0x3a, 0x5c]

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

function isEscaped(json: string, at: number): boolean {
  let before = at - 1
  while (json.charCodeAt(before) === backslash) before--
  return (at - before) % 2 === 0
}
