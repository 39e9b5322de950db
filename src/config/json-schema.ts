import { z } from 'zod'
import type { Schema } from '../core/adapter.ts'
import type { AnyAdapter } from './bridge-config.ts'
import { fileSchema } from './schema.ts'

type Json = z.core.JSONSchema.JSONSchema & {
  properties: Record<string, Json>
  additionalProperties: Json
  items: Json
}

/** The JSON Schema of a configuration file, for editors: the file's own keys and those of each adapter. */
export function jsonSchema(adapters: readonly AnyAdapter[]): object {
  const file = convert(fileSchema)
  const connected = adapters.filter(a => a.inline === undefined)
  const end = (side: 'source' | 'sink') =>
    connected.flatMap(adapter => {
      const kind = adapter[side]
      return kind ? [withKey(convert(kind.options), 'connection', { type: 'string' }, adapter.protocol)] : []
    })
  /** The keys of an end without its connection, none of them required. */
  const common = (side: 'source' | 'sink') =>
    connected.flatMap(({ protocol, [side]: kind }) =>
      kind ? [{ ...convert(kind.options), title: protocol, required: [] }] : [],
    )
  file.properties.connections!.additionalProperties = {
    oneOf: connected.map(a => withKey(convert(a.connection), 'protocol', { const: a.protocol }, a.protocol)),
  } as Json
  const routes = file.properties.routes!
  // Names as they are before their for_each.
  routes.propertyNames = { type: 'string', pattern: '^([A-Za-z0-9_.-]|\\$\\{item(\\.[A-Za-z0-9_-]+)*\\})+$' }
  const route = routes.additionalProperties
  route.properties.from = { anyOf: end('source') } as Json
  const allow = { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }
  const rules = { $ref: '#/properties/routes/additionalProperties/properties/mapping' } as Json
  route.properties.targets!.additionalProperties = {
    anyOf: end('sink').map(sink => ({ ...sink, properties: { ...sink.properties, mapping: rules, allow } })),
  } as unknown as Json
  const places = {
    anyOf: [
      ...end('sink'),
      {
        type: 'object',
        properties: { broker: { const: true } },
        required: ['broker'],
        additionalProperties: false,
      },
      ...adapters.flatMap(a => (a.inline === undefined ? [] : [inlineForm(a, a.inline)])),
    ],
  } as Json
  route.properties.dead_letter!.items = places
  const { for_each, ...keys } = route.properties
  route.properties = { for_each, ...(orItem(keys) as typeof keys) } as typeof keys
  const defaults = file.properties.defaults!.properties
  defaults.dead_letter!.items = places
  defaults.from!.additionalProperties = { anyOf: common('source') } as unknown as Json
  defaults.targets!.additionalProperties = { anyOf: common('sink') } as unknown as Json
  return { ...file, title: 'Sluice configuration' }
}

const convert = (schema: Schema<unknown>): Json =>
  z.toJSONSchema(schema as unknown as z.ZodType, { io: 'input', unrepresentable: 'any' }) as unknown as Json

const item = { type: 'string', pattern: '^\\$\\{item(\\.[A-Za-z0-9_-]+)*\\}$' }

/** Values that are no free text may come from an item of `for_each` as well. */
function orItem(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(orItem)
  if (typeof schema !== 'object' || schema === null) return schema
  const { description, default: usual, ...rest } = schema as Json
  const inner = Object.fromEntries(
    Object.entries(rest).map(([key, value]) => [key, key === 'propertyNames' ? value : orItem(value)]),
  )
  const isFree = !['number', 'integer', 'boolean', 'array'].includes(String(rest.type))
  const said = {
    ...(description !== undefined && { description }),
    ...(usual !== undefined && { default: usual }),
  }
  if (isFree && !Array.isArray(rest.enum) && typeof rest.pattern !== 'string') return { ...said, ...inner }
  return { ...said, anyOf: [inner, item] }
}

/** The schema of an object with one more key, which is required and stands first. */
function withKey({ $schema: _, ...schema }: Json, key: string, value: object, title: string): Json {
  return {
    ...schema,
    title,
    properties: { [key]: value, ...schema.properties },
    required: [key, ...((schema.required as string[] | undefined) ?? [])],
  } as Json
}

const inlineForm = ({ protocol, sink }: AnyAdapter, key: string): object => ({
  type: 'object',
  title: protocol,
  properties: { [protocol]: sink ? convert(sink.options).properties[key] : {} },
  required: [protocol],
  additionalProperties: false,
})
