import type { Prepared, Shown, ShownField } from '../core/adapter.ts'
import type { Message } from '../core/message.ts'
import { snakeCase } from '../core/property-names.ts'

/** Where adapters write what their protocol has no place for (docs/fidelity.md). */
const own = 'sluice_properties'
/** Fields that are no header of the message, though it may have one of the name. */
const ours = [own, 'sluice_headers']
/** What stands before the name of a header that the protocol has a meaning of its own for. */
const prefixes = ['sluice_', 'sluice_header_']

/** What of a message is not where one would look for it, or has another form, in sentences. */
export function notesOn(
  { headers, body }: Message,
  { packed }: Prepared,
  shown: Shown,
  isHeaderless: boolean,
): readonly string[] {
  const { fields, notes = [] } = shown
  return [
    ...headersNote(Object.keys(headers), fields, isHeaderless, packed),
    ...bodyNote(body.kind, shown.body),
    ...carriedNote(fields.find(field => field.name === own)?.value),
    ...notes,
  ]
}

function headersNote(
  names: readonly string[],
  fields: readonly ShownField[],
  isHeaderless: boolean,
  packed: number | undefined,
): readonly string[] {
  const written = new Set(fields.map(field => field.name))
  if (packed !== undefined) for (const name of ours) written.delete(name)
  const missing = names.filter(name => !written.has(name))
  // What is packed has no other name anywhere.
  const as = (name: string) =>
    packed === undefined ? prefixes.map(p => p + name).find(known => written.has(known)) : undefined
  const renames = missing.flatMap(name => {
    const other = as(name)
    return other === undefined ? [] : [`the header ${name} is written as ${other}`]
  })
  const gone = missing.filter(name => as(name) === undefined)
  if (gone.length === 0) return renames
  const where = isHeaderless
    ? 'left behind, since the protocol has no place for them'
    : packed === undefined
      ? 'the format puts them elsewhere'
      : 'packed into one field'
  const list = gone.map(name => name || '""').join(', ')
  return [...renames, `headers without a field of their own: ${list} (${where})`]
}

function bodyNote(kind: Message['body']['kind'], written: string | Uint8Array): readonly string[] {
  if (kind === 'map' || kind === 'list') return [`the body is a ${kind}, and is written as JSON`]
  if (kind === 'none' && written.length > 0) return ['the message has no body, and a blank stands for it']
  return []
}

/** Says in words what stands in the JSON of `sluice_properties`. */
function carriedNote(json: string | undefined): readonly string[] {
  if (json === undefined) return []
  try {
    const { body, types, encoding, headers, ...properties } = JSON.parse(json) as Readonly<
      Record<string, unknown>
    >
    const names = Object.keys(properties).map(snakeCase)
    return [
      ...(names.length > 0 ? [`${own} carries the properties ${names.join(', ')}`] : []),
      ...(encoding === undefined ? [] : [`the body cannot be carried as it is: its encoding is ${encoding}`]),
      ...(body === undefined
        ? []
        : [`${own} says that the body was ${body}, so that it is that again on the way back`]),
      ...(types === undefined ? [] : [`${own} carries the types of values in the body`]),
      ...(headers === undefined
        ? []
        : [`${own} carries the types of the headers ${Object.keys(headers as object).join(', ')}`]),
    ]
  } catch {
    return []
  }
}
