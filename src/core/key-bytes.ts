/** 32 bytes, written as base64 or as hexadecimal digits; undefined where the text is neither. */
export function keyBytes(written: string): Buffer | undefined {
  const text = written.trim()
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return Buffer.from(text, 'base64')
  return undefined
}
