/** How wide a terminal is taken to be. */
const width = 100

/** Control characters would move the cursor, or do worse: a message is another's word. */
export const visible = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, c =>
    c === '\n'
      ? '\\n'
      : c === '\t'
        ? '\\t'
        : c === '\r'
          ? '\\r'
          : `\\u${c.codePointAt(0)!.toString(16).padStart(4, '0')}`,
  )

/** `head`, and a sentence behind it at `column`, in lines of at most 100 characters; the lines that follow begin there too. */
export const hanging = (head: string, column: number, text: string): string =>
  hung(head, column, text, (line, room) => {
    const blank = line.lastIndexOf(' ', room)
    return blank > room / 2 ? blank + 1 : room
  }).replace(/ +$/gm, '')

/** The same for a value, which is cut wherever a line is full: put together, the lines are the value again. */
export const hangingValue = (head: string, column: number, value: string): string =>
  hung(head, column, value, (_, room) => room)

function hung(
  head: string,
  column: number,
  text: string,
  cut: (line: string, room: number) => number,
): string {
  const begin = head.length < column ? head.padEnd(column) : `${head} `
  const lines: string[] = []
  let rest = text
  let room = Math.max(width - begin.length, 20)
  while (rest.length > room) {
    const at = cut(rest, room)
    lines.push(rest.slice(0, at))
    rest = rest.slice(at)
    room = Math.max(width - column, 40)
  }
  return `${begin}${[...lines, rest].join(`\n${' '.repeat(column)}`)}`
}

/** The beginning of a long text, and how long it is. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)}… (${text.length} characters)`
}

/** The column at which values begin, for names of these lengths. */
export const columnOf = (names: readonly string[], indent: number, most = 36): number =>
  indent + Math.min(most, Math.max(0, ...names.map(name => name.length))) + 2
