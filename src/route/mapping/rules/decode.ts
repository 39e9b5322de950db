import type { Codec } from '../codecs/body.ts'
import { type CsvOptions, decodeCsv } from '../codecs/csv.ts'
import { decodeFixedWidth, type FixedWidthOptions } from '../codecs/fixed-width.ts'
import { decodeJson } from '../codecs/json.ts'
import { decodeBase64, decodeText } from '../codecs/text.ts'
import { decodeXml, type XmlReading } from '../codecs/xml.ts'
import type { Step } from '../step.ts'

export type DecodeRule =
  | { readonly format: 'json' }
  | ({ readonly format: 'xml' } & XmlReading)
  | ({ readonly format: 'csv' } & CsvOptions)
  | ({ readonly format: 'fixed_width' } & FixedWidthOptions)
  | { readonly format: 'text'; readonly charset: string }
  | { readonly format: 'base64' }

/** Reads the body; all else of the message stays. Throws for a charset that nobody knows. */
export function decode(rule: DecodeRule): Step {
  const codec = decoder(rule)
  return message => ({ ...message, body: codec(message.body) })
}

function decoder(rule: DecodeRule): Codec {
  switch (rule.format) {
    case 'json':
      return decodeJson
    case 'xml':
      return decodeXml(rule)
    case 'csv':
      return decodeCsv(rule)
    case 'fixed_width':
      return decodeFixedWidth(rule)
    case 'text':
      return decodeText(rule.charset)
    case 'base64':
      return decodeBase64
  }
}
