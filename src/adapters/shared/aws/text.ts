/**
 * Characters that SQS takes in a body and in a string attribute (API reference of SendMessage): tab, line feed,
 * carriage return, U+0020 to U+D7FF, U+E000 to U+FFFD and everything above U+FFFF.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what SQS refuses; naming those that it takes instead needs none of them, and twice the time for each body
const forbidden = /[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]/u

export const isPlain = (text: string): boolean => !forbidden.test(text)

/** SNS refuses attribute values with characters above U+FFFF (developer guide, message attributes). */
export const isAboveBmp = (text: string): boolean => /[\u{10000}-\u{10ffff}]/u.test(text)
