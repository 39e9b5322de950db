/** JSON text with those characters escaped that `pattern`, which is global, matches. It may match what stands in strings only. */
export const escapedWhere = (json: string, pattern: RegExp): string =>
  json.replace(pattern, character =>
    Array.from({ length: character.length }, (_, i) => escapedUnit(character.charCodeAt(i))).join(''),
  )

const escapedUnit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`
