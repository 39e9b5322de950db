import type { Properties } from '../../../core/message.ts'
import type { Value } from '../../../core/value.ts'
import { typedJson } from './json.ts'
import { quote } from './text.ts'

/**
 * The message's properties as compact JSON for one attribute, undefined when it has none: `{"messageId":"ID:1",
 * "priority":4}`. Ids are as `typedJson` writes them. Left out are the deduplication id, which is ours, and the group id
 * where the entry carries it as it is.
 */
export function propertiesJson(
  properties: Properties,
  groupId: string | undefined,
  bmp = false,
): string | undefined {
  let json = ''
  for (const name of Object.keys(properties) as (keyof Properties)[]) {
    const value = properties[name]
    if (value === undefined || name === 'deduplicationId') continue
    if (name === 'groupId' && value === groupId) continue
    json += `${json === '' ? '{' : ','}"${name}":${jsonOf(value, bmp)}`
  }
  return json === '' ? undefined : `${json}}`
}

function jsonOf(value: string | number | boolean | Value, bmp: boolean): string {
  if (typeof value === 'object') return typedJson(value, bmp)
  return typeof value === 'string' ? quote(value, bmp) : JSON.stringify(value)
}
