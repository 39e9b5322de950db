import { MessageRefused } from '../../../core/errors.ts'
import { maxDepth } from '../../../core/json/typed-json.ts'
import type { Value } from '../../../core/value.ts'
import { type Codec, unfit } from './body.ts'
import { scalarText } from './json.ts'

export interface XmlWriting {
  /** Name of the root; without it the map has one key, which is the root. */
  readonly root?: string | undefined
}

/** Writes what `decodeXml` reads, without a declaration. Null is an empty element, a list as many elements as it has items. */
export function encodeXml({ root }: XmlWriting): Codec {
  return body => {
    if (body.kind !== 'map') throw unfit(body, 'XML is written from a map')
    if (root !== undefined) {
      return { kind: 'text', text: element(root, { type: 'map', value: body.entries }, 1) }
    }
    const [only, ...more] = body.entries
    if (!only || more.length > 0 || only[1].type === 'list') {
      throw new MessageRefused(
        `a document of XML has one root: give its name as root, or a map with one key, not ${body.entries.length}`,
      )
    }
    return { kind: 'text', text: element(nameOf(only[0]), only[1], 1) }
  }
}

function element(name: string, value: Value, depth: number): string {
  if (depth > maxDepth) throw new MessageRefused(`the body has elements nested more than ${maxDepth} deep`)
  if (!isName.test(name)) throw new MessageRefused(`${JSON.stringify(name)} is no name of an XML element`)
  const scalar = scalarText(value)
  if (scalar !== undefined) return scalar === '' ? `<${name}/>` : `<${name}>${escaped(scalar)}</${name}>`
  if (value.type !== 'map') throw new MessageRefused(`a list in a list, under ${name}, has no form in XML`)
  const attributes = new Map<string, string>()
  let content = ''
  for (const [key, inner] of value.value) {
    const written = nameOf(key)
    if (written.startsWith('@')) {
      // XML 1.0, 3.1: an attribute stands once.
      if (attributes.has(written)) throw new MessageRefused(`${written} stands twice in the element ${name}`)
      attributes.set(written, attribute(written.slice(1), inner))
    } else if (written === '#text') content += escaped(scalarOf(written, inner))
    else if (inner.type === 'list') content += inner.value.map(i => element(written, i, depth + 1)).join('')
    else content += element(written, inner, depth + 1)
  }
  const tag = [name, ...attributes.values()].join('')
  return content === '' ? `<${tag}/>` : `<${tag}>${content}</${name}>`
}

function attribute(name: string, value: Value): string {
  if (!isName.test(name)) throw new MessageRefused(`${JSON.stringify(name)} is no name of an XML attribute`)
  return ` ${name}="${escaped(scalarOf(`@${name}`, value))}"`
}

const nameOf = (key: Value): string => scalarText(key) ?? ''

function scalarOf(name: string, value: Value): string {
  const scalar = scalarText(value)
  if (scalar === undefined) throw new MessageRefused(`${name} of XML is text, and here it is a ${value.type}`)
  return scalar
}

/** What is no character of XML has no form in it, escaped neither (XML 1.0, 2.2 and 4.1). */
function escaped(text: string): string {
  const illegal = /[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.exec(text)?.[0]
  if (illegal !== undefined) {
    const code = illegal.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')
    throw new MessageRefused(`XML has no form for the character U+${code}`)
  }
  return text.replace(/[&<>"\t\n\r]/g, c => entities[c]!)
}

/** Line breaks and tabs: a reader makes blanks of them in an attribute, and a line feed of a carriage return. */
const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

const start =
  ':A-Z_a-z\\xc0-\\xd6\\xd8-\\xf6\\xf8-\\u02ff\\u0370-\\u037d\\u037f-\\u1fff\\u200c\\u200d\\u2070-\\u218f' +
  '\\u2c00-\\u2fef\\u3001-\\ud7ff\\uf900-\\ufdcf\\ufdf0-\\ufffd\\u{10000}-\\u{effff}'
/** XML 1.0, 2.3. */
const isName = new RegExp(`^[${start}][${start}.0-9\\xb7\\u0300-\\u036f\\u203f\\u2040-]*$`, 'u')
