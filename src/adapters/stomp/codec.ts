import { isUtf8 } from 'node:buffer'
import { decodeModifiedUtf8 } from '../shared/modified-utf8.ts'

/** The versions of STOMP; they differ in what a header escapes. */
export type Version = '1.0' | '1.1' | '1.2'

/** A frame as it stood on the wire. Of a header that is repeated the first counts (STOMP 1.2, "Repeated Header Entries"). */
export interface Frame {
  readonly command: string
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** Bytes of the command and the headers. */
  readonly headSize: number
}

export type HeaderList = readonly (readonly [name: string, value: string])[]

/** A frame without a body, its headers escaped as the version says. Throws when it cannot say a header. */
export function encodeFrame(command: string, headers: HeaderList, version: Version): string {
  // STOMP 1.2, "Value Encoding": CONNECT is never escaped, so that servers of every version can read it.
  return `${command}\n${encodeHeaders(headers, command === 'CONNECT' ? '1.0' : version)}\n\0`
}

/** A line for each header. */
export function encodeHeaders(headers: HeaderList, version: Version): string {
  const plain = version === '1.0'
  const say = plain ? sayable : version === '1.1' ? escape11 : escape12
  let text = ''
  for (const [name, value] of headers) {
    if (plain && name.includes(':')) throw new Error(`STOMP 1.0 cannot say the header name "${name}"`)
    text += `${say(name)}:${say(value)}\n`
  }
  return text
}

const escape12 = (text: string): string =>
  /[\\\r\n:]/.test(text) ? text.replace(/[\\\r\n:]/g, c => escapes[c]!) : text

/** STOMP 1.1 knows no `\r`: a carriage return goes as it is. */
const escape11 = (text: string): string =>
  /[\\\n:]/.test(text) ? text.replace(/[\\\n:]/g, c => escapes[c]!) : text

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\r': '\\r', '\n': '\\n', ':': '\\c' }
const meanings: Readonly<Record<string, string>> = { '\\': '\\', r: '\r', n: '\n', c: ':' }

function sayable(text: string): string {
  if (/[\n\0]/.test(text))
    throw new Error('a line break or NUL cannot be said in a CONNECT frame or in STOMP 1.0')
  return text
}

/**
 * The text of a header as it was before escaping. An escape that the specification does not know stays as it is: the
 * specification calls it fatal, but then one message of a broker that forgot to escape would stop its queue for ever.
 */
export function unescapeHeader(text: string, version: Version): string {
  if (version === '1.0' || !text.includes('\\')) return text
  const known = version === '1.1' ? /\\([\\nc])/g : /\\([\\rnc])/g
  return text.replace(known, (_, c: string) => meanings[c]!)
}

/**
 * UTF-8 as text, or undefined when it is none. ActiveMQ before 5.18.6, 5.19.0 and 6.1.4 (AMQ-8398) writes characters
 * beyond U+FFFF in Java's form of it.
 */
export const decodeText = (bytes: Buffer): string | undefined =>
  isUtf8(bytes) ? bytes.toString('utf8') : decodeModifiedUtf8(bytes)

/**
 * What a server says in an ERROR frame, in one line: its `message` header and, where that adds something, its body. The
 * body of ActiveMQ is the stack trace of an exception whose text may say more than the header.
 */
export function errorWords({ headers, body }: Frame): string {
  const message = headers.get('message')?.trim() ?? ''
  const text = (decodeText(body) ?? '').trim()
  const isStackTrace = /^\s+at /m.test(text)
  const detail = isStackTrace ? exceptionWords(text, message) : text.replace(/\s+/g, ' ')
  const words =
    detail === '' ? message : message === '' || detail.includes(message) ? detail : `${message}: ${detail}`
  return words.slice(0, 500) || 'it gave no reason'
}

/** The text of the exception that heads the trace, unless the message says it too and does not stand in it. */
function exceptionWords(trace: string, message: string): string {
  const first = trace.split('\n', 1)[0]!
  if (message === '') return first
  const text = first.replace(/^[\w.$]+: /, '')
  return text.includes(message) ? text : ''
}
