import type { FuncKeywordDefinition, SchemaValidateFunction } from 'ajv'

const differ: SchemaValidateFunction = (wanted: boolean, items: readonly unknown[]) => {
  if (!wanted || items.length < 2) return true
  const seen = new Map<string, number>()
  for (const [i, item] of items.entries()) {
    const text = canonical(item)
    const j = seen.get(text)
    if (j !== undefined) {
      const message = `must NOT have duplicate items (items ## ${j} and ${i} are identical)`
      differ.errors = [{ keyword: 'uniqueItems', message, params: { i, j } }]
      return false
    }
    seen.set(text, i)
  }
  return true
}

/** The keyword `uniqueItems` in a time that grows with the body alone: that of ajv 8 compares each item with each other one. */
export const uniqueItems: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: true,
  validate: differ,
}

/** The same text for values that are equal, and for no others (JSON Schema 2020-12, core 4.2.2): 1 is 1.0, the order of keys counts not. */
function canonical(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  // JSON knows no infinity, which 1e999 becomes; 0 and -0 are the same text.
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`)
  return `{${entries.sort().join()}}`
}
