import type { Body } from './message.ts'
import type { Value } from './value.ts'

/** Bodies that are a map or a list, and the same as one value. */

export type StructuredBody = Body & { readonly kind: 'map' | 'list' }
export type StructuredValue = Value & { readonly type: 'map' | 'list' }

export const isStructured = (body: Body): body is StructuredBody =>
  body.kind === 'map' || body.kind === 'list'

export const valueOfBody = (body: StructuredBody): StructuredValue =>
  body.kind === 'map' ? { type: 'map', value: body.entries } : { type: 'list', value: body.items }

export const bodyOfValue = (value: StructuredValue): StructuredBody =>
  value.type === 'map' ? { kind: 'map', entries: value.value } : { kind: 'list', items: value.value }
