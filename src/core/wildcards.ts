/** Compiles patterns of names and addresses: `*` stands for anything, all else for itself; the whole text must match. */
export function matching(patterns: readonly string[]): (text: string) => boolean {
  const compiled = patterns.map(p => p.split('*'))
  return text => compiled.some(parts => matches(text, parts))
}

/** Without an expression that could take long: each part is found as early as it can be. */
function matches(text: string, parts: readonly string[]): boolean {
  const [first = '', ...others] = parts
  const last = others.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last))
    return false
  let from = first.length
  for (const part of others) {
    const at = text.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return from <= text.length - last.length
}
