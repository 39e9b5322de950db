import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Message } from '../../src/core/message.ts'
import type { Value } from '../../src/core/value.ts'
import { type Broker, withBroker } from '../support/brokers.ts'
import { type Aspect, aspects, expiry } from './aspects.ts'
import { carryAll, type Origin, type Outcome, origins } from './run.ts'
import { shown, shownBody } from './show.ts'
import { cellOf, readOtherwise, type VariantKey } from './table.ts'
import { type Variant, variants } from './variants.ts'

/** Every protocol's aspects over every ordered pair of protocols; table.ts says what is expected. */

/** Why a variant cannot be tried here, or the broker. */
const found = new Map<Variant, Broker | string | undefined>()
for (const variant of variants) {
  found.set(
    variant,
    variant.broker && (await withBroker(variant.broker).catch((error: Error) => error.message)),
  )
}

/** The part of a message that the aspect is about. */
function partOf(message: Pick<Message, 'body' | 'headers' | 'properties'>, aspect: Aspect): string {
  if (aspect.group === 'body') return shownBody(message.body)
  if (aspect.header) {
    const value = message.headers[aspect.header.name]
    return value ? shown(value) : 'gone'
  }
  const [name] = Object.keys(aspect.properties ?? {}) as (keyof Message['properties'])[]
  const value = message.properties[name!]
  // A time to live is counted from the receipt, and the routes on the way are written into the trail.
  if (name === 'expiresAt' && Math.abs(Number(value) - expiry) < 20_000) return String(expiry)
  if (name === 'trail' && String(value).startsWith('elsewhere/route ')) return '"elsewhere/route"'
  if (name === 'trail' && !String(value).includes('elsewhere')) return 'gone'
  if (value === undefined) return 'gone'
  return typeof value === 'object' ? shown(value as Value) : JSON.stringify(value)
}

const sent = (aspect: Aspect): string =>
  partOf(
    {
      body: aspect.body ?? { kind: 'none' },
      headers: aspect.header ? { [aspect.header.name]: aspect.header.value } : {},
      properties:
        aspect.properties?.trail === undefined ? (aspect.properties ?? {}) : { trail: 'elsewhere/route ' },
    },
    aspect,
  )

/** What a foreign client saw of it. */
function seenOf(
  { body, headers, properties }: NonNullable<ReturnType<Outcome['seen']>>,
  aspect: Aspect,
): string {
  if (aspect.group === 'body') return body
  if (aspect.header) return headers[aspect.header.name] ?? 'gone'
  return properties[Object.keys(aspect.properties ?? {})[0]!] ?? 'gone'
}

const wrong = (what: string, expected: string, is: string): string[] =>
  expected === is ? [] : [`${what}: expected ${expected}, found ${is}`]

/** Was it at the source as it was sent? Else nothing is known of what becomes of it. */
function isThere(
  outcome: Outcome,
  source: VariantKey,
  origin: Origin,
  specimen: string,
  aspect: Aspect,
): boolean {
  const read = outcome.read(source, origin, specimen)
  return read !== undefined && partOf(read, aspect) === sent(aspect)
}

function* problemsAtSource(outcome: Outcome, source: VariantKey): Generator<string> {
  for (const origin of origins) {
    for (const { id, aspects: shownHere } of outcome.specimens(source, origin)) {
      const read = outcome.read(source, origin, id)
      const refusal = origin === 'chain' ? outcome.refused('chain', origin, id, source) : undefined
      for (const aspect of shownHere) {
        const { refused, back } = cellOf(aspect.id, source)
        const expected = (origin === 'native' ? readOtherwise(source, aspect.id) : back) ?? sent(aspect)
        const what = `${aspect.id} ${origin === 'native' ? 'from a sender of the protocol' : "from Sluice's own sink"}`
        if (origin === 'chain' && refused) {
          if (!refused.test(refusal ?? ''))
            yield `${what}: expected ${refused}, found ${refusal ?? 'it sent'}`
        } else yield* wrong(what, expected, refusal ?? (read ? partOf(read, aspect) : 'nothing'))
      }
    }
  }
}

function* problemsBetween(outcome: Outcome, source: VariantKey, target: Variant): Generator<string> {
  for (const origin of origins) {
    for (const { id, aspects: shownHere } of outcome.specimens(source, origin)) {
      const refusal = outcome.refused(source, origin, id, target.key)
      const seen = outcome.seen(source, origin, id, target.key)
      const back = outcome.back(source, origin, id, target.key)
      for (const aspect of shownHere) {
        if (!isThere(outcome, source, origin, id, aspect)) continue
        const cell = cellOf(aspect.id, target.key)
        const what = `${aspect.id} (${origin})`
        if (cell.refused) {
          if (!cell.refused.test(refusal ?? ''))
            yield `${what}: expected ${cell.refused}, found ${refusal ?? 'it sent'}`
          continue
        }
        yield* wrong(`${what} seen`, cell.seen, refusal ?? (seen ? seenOf(seen, aspect) : 'nothing'))
        if (!target.canBeSource) continue
        const expected = cell.back ?? sent(aspect)
        yield* wrong(`${what} read back`, expected, refusal ?? (back ? partOf(back, aspect) : 'nothing'))
      }
    }
  }
}

/** A test that needs these variants; without their brokers it is skipped, or failed where they are asked for. */
function testWith(title: string, needed: readonly Variant[], run: () => void): void {
  const missing = needed.map(v => found.get(v)).find(f => typeof f === 'string')
  if (typeof missing !== 'string') return void test(title, run)
  test(title, { skip: process.env.SLUICE_REQUIRE_BROKERS === '1' ? false : missing }, () => {
    throw new Error(`${missing}, and SLUICE_REQUIRE_BROKERS=1 asks for it`)
  })
}

void describe('the matrix', { timeout: 180_000 }, () => {
  let outcome: Outcome
  before(async () => {
    const present = variants.flatMap(v => {
      const broker = found.get(v)
      return typeof broker === 'string' ? [] : [[v, broker] as const]
    })
    outcome = await carryAll(new Map(present))
  })

  for (const source of variants.filter(v => v.canBeSource)) {
    testWith(`${source.title} as it is read`, [source], () => {
      assert.deepEqual([...problemsAtSource(outcome, source.key)], [])
    })
    for (const target of variants) {
      testWith(`${source.title} to ${target.title}`, [source, target], () => {
        assert.deepEqual([...problemsBetween(outcome, source.key, target)], [])
      })
    }
  }

  test('everything came once', () => assert.deepEqual(outcome.repeated, []))

  test('the table has every aspect, for every protocol', () => {
    for (const { id } of aspects) for (const { key } of variants) assert.ok(cellOf(id, key))
  })
})
