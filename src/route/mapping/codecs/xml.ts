import { SaxesParser } from 'saxes'
import { MessageRefused } from '../../../core/errors.ts'
import { maxDepth } from '../../../core/json/typed-json.ts'
import { type Entry, text, type Value } from '../../../core/value.ts'
import { type Codec, checkCount, reading, textOf } from './body.ts'
import { type Charset, charsetNamed, utf8 } from './charset.ts'

export interface XmlReading {
  /** Elements that are always lists, by the names from the root on: `order.line`. */
  readonly arrays?: readonly string[] | undefined
}

/**
 * Reads an XML document: a map of the root's name to what it holds. An element without attributes and elements in it is its
 * text; others are maps of `@attribute`, of `#text` where it has text, and of elements, those of one name being a list. All
 * values are text. Comments and processing instructions are left out, and text between elements is joined. A document type
 * refuses the message, whatever it declares, since entities are how a short document becomes a large one.
 */
export function decodeXml({ arrays = [] }: XmlReading): Codec {
  const lists = listsOf(arrays)
  return body =>
    reading('XML', () => ({ kind: 'map', entries: documentOf(textOf(body, 'XML', declared), lists) }))
}

/** A million attributes of one element take four seconds. */
const maxAttributes = 1_000

/** The lists below an element, by the name of the next element. */
interface Lists {
  isList: boolean
  readonly below: Map<string, Lists>
}

function listsOf(paths: readonly string[]): Lists {
  const top: Lists = { isList: false, below: new Map() }
  for (const path of paths) {
    let at = top
    for (const name of path.split('.')) {
      const next = at.below.get(name) ?? { isList: false, below: new Map() }
      at.below.set(name, next)
      at = next
    }
    at.isList = true
  }
  return top
}

class Element {
  readonly name: string
  readonly lists: Lists | undefined
  readonly attributes: Entry[] = []
  readonly children = new Map<string, Value[]>()
  text = ''

  constructor(name: string, lists: Lists | undefined) {
    this.name = name
    this.lists = lists
  }

  add(name: string, value: Value): void {
    const known = this.children.get(name)
    if (known) known.push(value)
    else this.children.set(name, [value])
  }

  entries(): Entry[] {
    const entries = this.attributes
    // The line breaks and blanks between elements are no text.
    if (this.children.size === 0 ? this.text !== '' : /\S/.test(this.text)) {
      entries.push([text('#text'), text(this.text)])
    }
    for (const [name, values] of this.children) {
      const isList = values.length > 1 || this.lists?.below.get(name)?.isList === true
      entries.push([text(name), isList ? { type: 'list', value: values } : values[0]!])
    }
    return entries
  }

  value(): Value {
    if (this.attributes.length === 0 && this.children.size === 0) return text(this.text)
    return { type: 'map', value: this.entries() }
  }
}

function documentOf(xml: string, lists: Lists): readonly Entry[] {
  const parser = new SaxesParser({ xmlns: false, position: true })
  const stack = [new Element('', lists)]
  let elements = 0
  let attributes = 0
  parser.on('error', error => {
    throw error
  })
  parser.on('doctype', () => {
    throw new MessageRefused('the body is XML with a document type (<!DOCTYPE …>), and such are not read')
  })
  parser.on('attribute', () => {
    if (++attributes > maxAttributes)
      throw new RangeError(`an element with more than ${maxAttributes} attributes`)
  })
  parser.on('opentag', ({ name, attributes: written }) => {
    attributes = 0
    if (stack.length > maxDepth) throw new RangeError(`elements nested more than ${maxDepth} deep`)
    checkCount(++elements)
    const element = new Element(name, stack.at(-1)?.lists?.below.get(name))
    for (const [key, value] of Object.entries(written))
      element.attributes.push([text(`@${key}`), text(value)])
    stack.push(element)
  })
  const add = (piece: string) => {
    stack.at(-1)!.text += piece
  }
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', ({ name }) => {
    const value = stack.pop()!.value()
    stack.at(-1)!.add(name, value)
  })
  parser.write(xml).close()
  stack[0]!.text = ''
  return stack[0]!.entries()
}

/** The charset that bytes say they are in: by their mark, else by the declaration, else UTF-8 (XML 1.0, appendix F). */
function declared(bytes: Uint8Array): Charset {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex')
  if (start.startsWith('fffe') || start === '3c003f00') return charsetNamed('utf-16le')
  if (start.startsWith('feff') || start === '003c003f') return charsetNamed('utf-16be')
  const guess = charsetNamed(start === '4c6fa794' ? 'cp037' : 'latin1')
  const head = guess.decode(bytes.subarray(0, 200))
  const [, name] = /^(?:ï»¿)?<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(head) ?? []
  return name === undefined ? utf8 : charsetNamed(name)
}
