import { controls, pages } from './ebcdic-tables.ts'

/** A charset of one byte a character. U+FFFD stands for bytes that it has no character for. */
export interface CodePage {
  decode(bytes: Uint8Array): string
  /** Characters that the page lacks become SUB (X'3F'). */
  encode(text: string): Uint8Array
}

/** The EBCDIC page of this name (`cp037`, `IBM-1047`, `CCSID 273`, `500`), or undefined when it names none. */
export function ebcdicPage(name: string): CodePage | undefined {
  const [, number] = /^(?:x-?ibm|ibm|cp|ccsid|ebcdic-?cp)?[-_ ]?(\d+)$/i.exec(name) ?? []
  const page = number === undefined ? undefined : pages[number.replace(/^0*/, '').padStart(3, '0')]
  return page === undefined ? undefined : codePage(`${controls}${page}\x9f`)
}

const substitute = 0x3f

function codePage(characters: string): CodePage {
  const bytesOf = new Map(Array.from(characters, (c, byte) => [c, byte]))
  bytesOf.delete('\ufffd')
  return {
    decode(bytes) {
      let text = ''
      for (const byte of bytes) text += characters[byte]
      return text
    },
    encode: text => Uint8Array.from(text, c => bytesOf.get(c) ?? substitute),
  }
}
