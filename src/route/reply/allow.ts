/** Compiles patterns for reply addresses: `*` stands for anything, all else for itself; the whole address must match. */
export function allowed(patterns: readonly string[]): (address: string) => boolean {
  const compiled = patterns.map(p => p.split('*'))
  return address => compiled.some(parts => matches(address, parts))
}

/** Without an expression that could take long: each part is found as early as it can be. */
function matches(address: string, parts: readonly string[]): boolean {
  const [first = '', ...others] = parts
  const last = others.pop()
  if (last === undefined) return address === first
  if (!address.startsWith(first) || address.length < first.length + last.length || !address.endsWith(last))
    return false
  let from = first.length
  for (const part of others) {
    const at = address.indexOf(part, from)
    if (at < 0) return false
    from = at + part.length
  }
  return from <= address.length - last.length
}
