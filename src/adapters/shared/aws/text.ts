/**
 * Characters that SQS takes in a body and in a string attribute (API reference of SendMessage): tab, line feed,
 * carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD and everything above U+FFFF.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what SQS refuses, so the expression must name them
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u

/** The first character that SQS does not take, for people: `U+0000 at character 17`; undefined when all are fine. */
export function forbiddenCharacter(text: string): string | undefined {
  const at = text.search(forbidden)
  if (at < 0) return undefined
  const code = text.codePointAt(at)!.toString(16).toUpperCase().padStart(4, '0')
  return `U+${code} at character ${at + 1}`
}

export const isPlain = (text: string): boolean => !forbidden.test(text)

/** SNS refuses attribute values with characters above U+FFFF (developer guide, message attributes). */
export const isAboveBmp = (text: string): boolean => /[\u{10000}-\u{10ffff}]/u.test(text)
