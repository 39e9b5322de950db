import type { Codec } from '../codecs/body.ts'
import { type CsvOptions, encodeCsv } from '../codecs/csv.ts'
import { encodeFixedWidth, type FixedWidthOptions } from '../codecs/fixed-width.ts'
import { encodeJson } from '../codecs/json.ts'
import { encodeBase64, encodeText } from '../codecs/text.ts'
import { encodeXml, type XmlWriting } from '../codecs/write-xml.ts'
import type { Step } from '../step.ts'

export type EncodeRule =
  | { readonly format: 'json' }
  | ({ readonly format: 'xml' } & XmlWriting)
  | ({ readonly format: 'csv' } & CsvOptions)
  | ({ readonly format: 'fixed_width' } & FixedWidthOptions)
  | { readonly format: 'text'; readonly charset: string }
  | { readonly format: 'base64' }

/**
 * Writes the body. A content type that the message has becomes the one of the format, since it was that of another body;
 * all else stays. Throws for a charset that nobody knows.
 */
export function encode(rule: EncodeRule): Step {
  const codec = encoder(rule)
  const contentType = mediaTypes[rule.format]
  return message => {
    const body = codec(message.body)
    if (contentType === undefined || message.properties.contentType === undefined) return { ...message, body }
    return { ...message, body, properties: { ...message.properties, contentType } }
  }
}

const mediaTypes: Readonly<Partial<Record<EncodeRule['format'], string>>> = {
  json: 'application/json',
  xml: 'application/xml',
  csv: 'text/csv',
}

function encoder(rule: EncodeRule): Codec {
  switch (rule.format) {
    case 'json':
      return encodeJson
    case 'xml':
      return encodeXml(rule)
    case 'csv':
      return encodeCsv(rule)
    case 'fixed_width':
      return encodeFixedWidth(rule)
    case 'text':
      return encodeText(rule.charset)
    case 'base64':
      return encodeBase64
  }
}
