import iconv from 'iconv-lite'
import { MessageRefused } from '../../../core/errors.ts'
import { type CodePage, ebcdicPage } from './ebcdic.ts'

/** Text as bytes and back. Both ways throw MessageRefused rather than put another character in the place of one. */
export interface Charset {
  readonly name: string
  readonly isEbcdic: boolean
  /** A mark of the byte order (U+FEFF) at the beginning is no text, unless `part` says that this is a piece out of the middle. */
  decode(bytes: Uint8Array, part?: 'part'): string
  encode(text: string): Uint8Array
}

/** Names that Node gives to ways of writing bytes as text; they are no charsets. */
const noCharsets = /^(base64|base64url|hex|binary|utf-?7(-?imap)?)$/i

/** These leave the order of the bytes to a mark in the text. */
const unordered = /^(utf|ucs)-?(16|32|4)$/i

/** The charset of this name: all that iconv-lite has, and EBCDIC pages. Throws for a name that nobody knows. */
export function charsetNamed(name: string): Charset {
  if (unordered.test(name))
    throw new Error(`the charset ${name} needs the order of its bytes: ${name}le or ${name}be`)
  const ebcdic = ebcdicPage(name)
  if (!ebcdic && (noCharsets.test(name) || !iconv.encodingExists(name))) {
    throw new Error(`there is no charset ${name}; iconv-lite and the EBCDIC pages of one byte have others`)
  }
  const page: CodePage = ebcdic ?? {
    decode: bytes => iconv.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), name, keepMark),
    encode: text => iconv.encode(text, name),
  }
  const unicode = ebcdic ? undefined : utf.exec(name)?.[1]
  return {
    name,
    isEbcdic: ebcdic !== undefined,
    decode(bytes, part) {
      const text = unicode ? strictly(bytes, unicode, name) : ours(bytes, page, name)
      return part === undefined && text.startsWith('\ufeff') ? text.slice(1) : text
    },
    encode: text => encoded(text, page, name),
  }
}

const keepMark = { stripBOM: false }

/** Those that Node's own decoder reads, which stops at what is invalid. */
const utf = /^(utf-?8|utf-?16-?le|utf-?16-?be)$/i

export const utf8: Charset = charsetNamed('utf-8')

function strictly(bytes: Uint8Array, unicode: string, name: string): string {
  const label = unicode.toLowerCase().replace(/^utf-?(8|16)-?/, 'utf-$1')
  try {
    return new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new MessageRefused(`the body holds bytes that are no ${name}`, { cause })
  }
}

/** iconv-lite leaves out half a unit at the end, and U+FFFD is a character of GB 18030 as well. */
function ours(bytes: Uint8Array, page: CodePage, name: string): string {
  const text = page.decode(bytes)
  if (
    (text.includes('\ufffd') || /^(utf|ucs|cesu)/i.test(name)) &&
    !Buffer.from(page.encode(text)).equals(bytes)
  ) {
    throw new MessageRefused(`the body holds bytes that are no ${name}`)
  }
  return text
}

function encoded(text: string, page: CodePage, name: string): Uint8Array {
  const bytes = page.encode(text)
  if (text.isWellFormed() && page.decode(bytes) === text) return bytes
  const lacking = Array.from(new Set(text)).find(c => !c.isWellFormed() || page.decode(page.encode(c)) !== c)
  const code = lacking?.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')
  throw new MessageRefused(
    code ? `the charset ${name} has no character U+${code}` : `the charset ${name} cannot hold the text`,
  )
}
