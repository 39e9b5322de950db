import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const top = join(import.meta.dirname, '../..')

/** What a broker said, as recorded by record.ts. */
export const capture = (name: string): Buffer => readFileSync(join(top, `test/chaos/captures/${name}.bin`))

interface Frame {
  readonly type: number
  readonly body: Buffer
}

/** The frames of AMQP 0-9-1: type, channel, size, body, end. */
function* frames091(stream: Buffer): Generator<Frame> {
  for (let at = 0; at + 8 <= stream.length; ) {
    const end = at + 7 + stream.readUInt32BE(at + 3)
    yield { type: stream[at]!, body: stream.subarray(at + 7, end) }
    at = end + 1
  }
}

/** The property lists of content headers, behind class, weight and size of the body. */
export const properties091 = (): Buffer[] =>
  Array.from(frames091(capture('amqp091')))
    .filter(({ type }) => type === 2)
    .map(({ body }) => body.subarray(12))

/** The messages in the transfers of AMQP 1.0, behind the list that describes each. */
export function transfers10(): Buffer[] {
  const stream = capture('amqp10')
  const found: Buffer[] = []
  for (let at = 0; at + 8 <= stream.length; ) {
    if (stream.toString('latin1', at, at + 4) === 'AMQP') {
      at += 8
      continue
    }
    const end = at + stream.readUInt32BE(at)
    const body = stream.subarray(at + stream[at + 4]! * 4, end)
    if (body[0] === 0 && body[2] === 0x14) {
      const size = body[3] === 0xd0 ? 8 + body.readUInt32BE(4) : 5 + body[4]!
      found.push(body.subarray(size))
    }
    at = end
  }
  return found
}

/** Every configuration that is shipped. */
export const configurations = (): Buffer[] =>
  globSync('config/**/*.yaml', { cwd: top }).map(file => readFileSync(join(top, file)))

export const texts = (...all: readonly string[]): Buffer[] => all.map(one => Buffer.from(one))
