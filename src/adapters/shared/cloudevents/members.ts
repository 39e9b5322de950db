/**
 * The members of a JSON object, each value as the text that stands there: no digit is lost, and no space. Throws for a text that
 * is no JSON object, and for a name that stands there twice.
 */
export function membersOf(json: string): ReadonlyMap<string, string> {
  const parsed: unknown = JSON.parse(json)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('no object')
  // It is JSON: from here on nothing is checked any more.
  const members = new Map<string, string>()
  let at = json.indexOf('{') + 1
  for (;;) {
    at = skipBlanks(json, at)
    if (json[at] === '}') return members
    const nameEnd = endOfString(json, at)
    const name: string = JSON.parse(json.slice(at, nameEnd))
    const from = skipBlanks(json, json.indexOf(':', nameEnd) + 1)
    const end = endOfValue(json, from)
    if (members.has(name)) throw new Error(`${name} stands there twice`)
    members.set(name, json.slice(from, end))
    at = skipBlanks(json, end)
    if (json[at] === ',') at++
  }
}

function skipBlanks(json: string, from: number): number {
  let at = from
  while (' \t\n\r'.includes(json[at]!)) at++
  return at
}

function endOfString(json: string, from: number): number {
  let at = from + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

function endOfValue(json: string, from: number): number {
  let depth = 0
  let at = from
  do {
    const character = json[at]!
    if (character === '"') at = endOfString(json, at)
    else if ('{['.includes(character)) {
      depth++
      at++
    } else if ('}]'.includes(character)) {
      depth--
      at++
    } else at = depth > 0 ? at + 1 : endOfWord(json, at)
  } while (depth > 0)
  return at
}

/** Of a number, true, false or null. */
function endOfWord(json: string, from: number): number {
  let at = from
  while (!',}] \t\n\r'.includes(json[at]!)) at++
  return at
}
