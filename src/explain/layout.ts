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

/** `head`, and the text behind it at `column`, in lines of at most 100 characters; the lines that follow begin there too. */
export function hanging(head: string, column: number, text: string): string {
  const begin = head.length < column ? head.padEnd(column) : `${head} `
  const lines = wrap(text, Math.max(width - column, 40), width - begin.length)
  return `${begin}${lines.join(`\n${' '.repeat(column)}`)}`.trimEnd()
}

/** At the blank that is the last to fit, where there is one in the second half of the line; else wherever it is full. */
function wrap(text: string, room: number, first: number): readonly string[] {
  const lines: string[] = []
  let rest = text
  let fits = Math.max(first, 20)
  while (rest.length > fits) {
    const blank = rest.lastIndexOf(' ', fits)
    const cut = blank > fits / 2 ? blank : fits
    lines.push(rest.slice(0, cut))
    rest = rest.slice(cut === blank ? cut + 1 : cut)
    fits = room
  }
  return [...lines, rest]
}

/** The beginning of a long text, and how long it is. */
export function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most)}… (${text.length} characters)`
}

/** The column at which values begin, for names of these lengths. */
export const columnOf = (names: readonly string[], indent: number, most = 36): number =>
  indent + Math.min(most, Math.max(0, ...names.map(name => name.length))) + 2
