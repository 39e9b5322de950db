import { MessageRefused } from '../../../core/errors.ts'
import { type Codec, textOf, unfit } from './body.ts'
import { charsetNamed, utf8 } from './charset.ts'

/** Bytes become the text that they are in a charset; text stays. */
export function decodeText(name = 'utf-8'): Codec {
  const charset = charsetNamed(name)
  return body => ({
    kind: 'text',
    text: body.kind === 'text' ? body.text : textOf(body, 'text', () => charset),
  })
}

/** Text becomes bytes of a charset. */
export function encodeText(name = 'utf-8'): Codec {
  const charset = charsetNamed(name)
  return body => {
    if (body.kind !== 'text') throw unfit(body, 'bytes of a charset are written from text')
    return { kind: 'bytes', bytes: charset.encode(body.text) }
  }
}

/** Text in base64 (RFC 4648, 4) becomes the bytes that it stands for; line breaks and blanks are skipped. */
export const decodeBase64: Codec = body => {
  const base64 = textOf(body, 'base64').replace(/[ \t\r\n]+/g, '')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) {
    throw new MessageRefused('the body is no base64: other characters, or an end that is cut off')
  }
  return { kind: 'bytes', bytes }
}

/** Bytes become base64 text; text is taken as UTF-8. */
export const encodeBase64: Codec = body => {
  if (body.kind !== 'text' && body.kind !== 'bytes' && body.kind !== 'object') {
    throw unfit(body, 'base64 is written from bytes or text')
  }
  const bytes = body.kind === 'text' ? utf8.encode(body.text) : body.bytes
  return { kind: 'text', text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64') }
}
