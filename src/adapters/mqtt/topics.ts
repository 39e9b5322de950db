/** Strings of MQTT have a length of two bytes. */
export const maxBytes = 65_535

/** What brokers take for malformed (MQTT 5, 1.5.4; Mosquitto then closes): control and non-characters, halves of a pair. */
const unfit = /[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u

/** Most are of these, which is faster to see. */
const ascii = /^[ -~]*$/

/** Is this a text that every broker takes, of any length? */
export const isFit = (text: string): boolean => ascii.test(text) || !unfit.test(text)

/** Is it one that fits into a string of the protocol? */
export const isString = (text: string): boolean =>
  isFit(text) && (text.length <= maxBytes / 3 || Buffer.byteLength(text) <= maxBytes)

/** Why nothing can be published to this topic, or undefined (MQTT 5, 3.3.2.1 and 4.7). */
export function topicProblem(topic: string): string | undefined {
  if (topic === '') return 'it is empty'
  if (/[+#]/.test(topic)) return 'it has wildcards (+ or #)'
  if (!isFit(topic)) return 'it has control characters or others that brokers refuse'
  const bytes = Buffer.byteLength(topic)
  return bytes > maxBytes ? `it has ${bytes} bytes, and MQTT takes ${maxBytes}` : undefined
}

/** A piece of a pattern: one character; any text; or any text without a slash. */
type Token = string | typeof any | typeof level
const any = Symbol('any')
const level = Symbol('level')

/**
 * Could a topic that the template comes to match the filter? `${…}` in the template stands for any text, also of several
 * levels.
 */
export function mayMatch(filter: string, template: string): boolean {
  // A wildcard at the beginning does not stand for the topics of the broker's own (MQTT-4.7.2-1).
  if (/^[+#]/.test(filter) && template.startsWith('$') && !template.startsWith('${')) return false
  const topic = tokensOfTemplate(template)
  return tokensOfFilter(filter).some(tokens => meet(tokens, topic))
}

/** `a/#` is `a` and all that begins with `a/`. */
function tokensOfFilter(filter: string): readonly (readonly Token[])[] {
  const tokens = (text: string): Token[] => Array.from(text, c => (c === '+' ? level : c))
  if (filter === '#') return [[any]]
  if (!filter.endsWith('/#')) return [tokens(filter)]
  return [tokens(filter.slice(0, -2)), [...tokens(filter.slice(0, -1)), any]]
}

/** Braces inside an expression are counted, quoted ones are not: as the route reads a template. */
function tokensOfTemplate(template: string): readonly Token[] {
  const tokens: Token[] = []
  const parts = /\$\{|./gsu
  for (let found = parts.exec(template); found; found = parts.exec(template)) {
    if (found[0] === '${') {
      tokens.push(any)
      parts.lastIndex = endOfExpression(template, parts.lastIndex)
    } else tokens.push(found[0])
  }
  return tokens
}

function endOfExpression(template: string, from: number): number {
  const parts = /"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|`(\\.|[^`\\])*`|[{}]/gs
  parts.lastIndex = from
  let depth = 1
  for (let found = parts.exec(template); found; found = parts.exec(template)) {
    if (found[0] === '{') depth++
    else if (found[0] === '}' && --depth === 0) return parts.lastIndex
  }
  return template.length
}

/** Is there a text that both patterns stand for? Walks the pairs of places that one text can have led to. */
function meet(one: readonly Token[], other: readonly Token[]): boolean {
  const seen = new Set<number>()
  const open: [number, number][] = [[0, 0]]
  for (let place = open.pop(); place; place = open.pop()) {
    const [i, j] = place
    if (i === one.length && j === other.length) return true
    const key = i * (other.length + 1) + j
    if (seen.has(key)) continue
    seen.add(key)
    open.push(...steps(one[i], other[j]).map(([a, b]): [number, number] => [i + a, j + b]))
  }
  return false
}

/** How far one can go in each: past a wildcard, past a character that a wildcard of the other stands for, or past two equal ones. */
function steps(a: Token | undefined, b: Token | undefined): readonly [number, number][] {
  const found: [number, number][] = []
  if (typeof a === 'symbol') found.push([1, 0])
  if (typeof b === 'symbol') found.push([0, 1])
  if (typeof a === 'symbol' && typeof b === 'string' && standsFor(a, b)) found.push([0, 1])
  if (typeof b === 'symbol' && typeof a === 'string' && standsFor(b, a)) found.push([1, 0])
  if (typeof a === 'string' && a === b) found.push([1, 1])
  return found
}

const standsFor = (wildcard: Token, character: string): boolean => wildcard === any || character !== '/'
