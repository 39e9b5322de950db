import { suggest } from '../../../core/suggest.ts'
import { propertyOf } from './properties.ts'

/** A place in a message, as `rename` and `drop` name it. */
export type Place =
  | { readonly at: 'headers' | 'properties'; readonly name: string }
  | { readonly at: 'address' }
  /** The names of keys on the way; none for the whole body. Lists on the way have no name: each of their items is meant. */
  | { readonly at: 'body'; readonly path: readonly string[] }

const roots = ['headers', 'properties', 'address', 'body']

/**
 * Reads `headers.NAME`, `properties.NAME`, `address`, `body` or `body.PATH`; `*` in the last name stands for anything. The name of a
 * header is all that follows, dots included. Throws an Error that says what was meant.
 */
export function parsePlace(written: string): Place {
  const dot = written.indexOf('.')
  const root = dot < 0 ? written : written.slice(0, dot)
  const name = dot < 0 ? '' : written.slice(dot + 1)
  if (root === 'address' && dot < 0) return { at: 'address' }
  if (root === 'body') return bodyPlace(written, name, dot >= 0)
  if (root !== 'headers' && root !== 'properties') {
    const meant = roots.map(known => (dot < 0 ? known : `${known}.${name}`))
    throw new Error(
      `expected headers.NAME, properties.NAME, address or body.PATH, found "${written}"${suggest(written, meant)}`,
    )
  }
  if (name === '') throw new Error(`expected ${root}.NAME, found "${written}" (did you mean "${root}.*"?)`)
  const unquoted = /^[`"'](.*)[`"']$/.exec(name)?.[1]
  if (unquoted !== undefined) throw new Error(`expected the name without quotes: ${root}.${unquoted}`)
  if (root === 'properties' && !name.includes('*')) propertyOf(name)
  return { at: root, name }
}

function bodyPlace(written: string, names: string, isPath: boolean): Place {
  const path = isPath ? names.split('.') : []
  if (path.includes('')) throw new Error(`expected body.PATH, found "${written}"`)
  if (path.slice(0, -1).some(name => name.includes('*')))
    throw new Error(`expected a * in the last name of a path only, found "${written}"`)
  return { at: 'body', path }
}

/** The last name of a place, which may hold a `*`; '' where there is none. */
export const lastName = (place: Place): string =>
  place.at === 'address' ? '' : place.at === 'body' ? (place.path.at(-1) ?? '') : place.name

/** The same place with another last name. */
export function withLastName(place: Place, name: string): Place {
  if (place.at === 'address') return place
  return place.at === 'body' ? { ...place, path: [...place.path.slice(0, -1), name] } : { ...place, name }
}

/** As people write it. */
export const formatPlace = (place: Place): string =>
  place.at === 'address'
    ? 'address'
    : place.at === 'body'
      ? ['body', ...place.path].join('.')
      : `${place.at}.${place.name}`
