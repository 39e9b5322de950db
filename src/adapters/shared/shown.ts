import type { ShownField } from '../../core/adapter.ts'
import { plainJson } from '../../core/json/typed-json.ts'
import type { Entry, Value } from '../../core/value.ts'
import { headerAsText } from './carriage/headers.ts'

/** A value as the text of a `ShownField`. */
export function shownText(value: Value): string {
  if (value.type === 'timestamp') return shownTime(value.value)
  return headerAsText(value, () => true).text
}

/** Milliseconds since 1970 as ISO 8601, or as digits where that has no such date. */
export function shownTime(milliseconds: number): string {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString()
}

/** A body that is a map or list: the whole as JSON, and each of its values as a field of the section `body`. */
export function shownBody(
  value: Value & { readonly type: 'map' | 'list' },
  typeName: (type: Value['type']) => string,
): { readonly body: string; readonly fields: readonly ShownField[] } {
  const entries: readonly Entry[] =
    value.type === 'map'
      ? value.value
      : value.value.map((item, i): Entry => [{ type: 'string', value: String(i) }, item])
  const fields = entries.map(([key, item]) => ({
    section: 'body',
    name: shownText(key),
    type: typeName(item.type),
    value: shownText(item),
  }))
  return { body: plainJson(value), fields }
}
