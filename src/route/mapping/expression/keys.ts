import { LargeInteger } from './large-integer.ts'

/** Has an object in this JSON text a key twice? `parsed` is what a reader made of it that keeps the last one. */
export const hasKeyTwice = (json: string, parsed: unknown): boolean => keysIn(parsed) < keysWritten(json)

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

/** Texts before a colon, in what is known to be JSON. */
function keysWritten(json: string): number {
  let count = 0
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at + 1)) {
    do at = json.indexOf('"', at + 1)
    while (isEscaped(json, at))
    let next = json.charCodeAt(at + 1)
    for (let i = at + 2; next === 0x20 || next === 0x0a || next === 0x0d || next === 0x09; i++)
      next = json.charCodeAt(i)
    if (next === colon) count++
  }
  return count
}

const [colon, backslash] = [0x3a, 0x5c]

function isEscaped(json: string, at: number): boolean {
  let before = at - 1
  while (json.charCodeAt(before) === backslash) before--
  return (at - before) % 2 === 0
}
