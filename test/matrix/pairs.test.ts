import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../src/core/message.ts'
import { type Broker, withBroker } from '../support/brokers.ts'
import { seed as firstSeed } from '../support/seed.ts'
import { backRoute, type Carried, chain, type Fate, fromRoute, Pairs } from './pairs/carry.ts'
import { differences, sayDifference, sayMessage } from './pairs/compare.ts'
import { type End, type EndKey, ends } from './pairs/ends.ts'
import { anySent } from './pairs/messages.ts'
import { isKnownRefusal, mistakes, passed, refusals, rules } from './pairs/rules.ts'

/**
 * Any message over every ordered pair of protocols: Sluice writes it to the source and reads it there, carries it to the target
 * and reads it there too. Each time it is what it was, up to rules.ts, or a dead letter that says why not and has it whole.
 *
 * Each round has other messages, by a seed that the failure names: `SLUICE_SEED` is that of the first round, and `SLUICE_ROUNDS` how
 * many there are.
 */
const perRound = 40
const rounds = Number(process.env.SLUICE_ROUNDS ?? 1)

/** Why an end cannot be tried here, or the broker. */
const found = new Map<End, Broker | string | undefined>()
for (const end of ends) {
  found.set(end, end.broker && (await brokerOf(end)))
}

async function brokerOf({ broker, port }: End): Promise<Broker | string> {
  try {
    const running = await withBroker(broker!)
    return port === undefined || running.ports[port] ? running : `${broker} has no port ${port} here`
  } catch (error) {
    return (error as Error).message
  }
}

/** What was found wrong, by the pair; of a source alone by its own key. */
type Problems = Map<string, string[]>

interface Round {
  readonly seed: number
  readonly messages: readonly Message[]
  readonly carried: Carried
}

/** How many came, and how many were refused. */
interface Count {
  arrived: number
  refused: number
}

class Findings {
  readonly problems: Problems = new Map()
  readonly counts = new Map<string, Count>()
  readonly troubles: string[] = []

  add({ seed, messages, carried }: Round, present: readonly End[]): void {
    this.troubles.push(...carried.troubles.map(words => `${words} (seed ${seed})`))
    for (const { key: source, canBeSource } of present) {
      if (!canBeSource) continue
      for (const [n, message] of messages.entries()) {
        const read = carried.read(source, n)
        const said = (words: string) => `${words}; seed ${seed}, message ${n}: ${sayMessage(message)}`
        this.#note(source, read, [...problemsIn(chain, source, message, read)].map(said))
        const [is] = read.messages
        if (read.letter || !is) continue
        for (const { key: target } of present) {
          const fate = carried.arrived(source, n, target)
          this.#note(`${source} ${target}`, fate, [...problemsIn(source, target, is, fate)].map(said))
        }
      }
    }
  }

  #note(pair: string, { letter }: Fate, problems: readonly string[]): void {
    const count = this.counts.get(pair) ?? { arrived: 0, refused: 0 }
    this.counts.set(pair, count)
    if (letter) count.refused++
    else count.arrived++
    if (problems.length > 0) this.problems.set(pair, [...(this.problems.get(pair) ?? []), ...problems])
  }
}

/** `was` is the message before it was sent from the one to the other. */
function* problemsIn(
  from: EndKey | typeof chain,
  to: EndKey,
  was: Message,
  { messages, letter }: Fate,
): Generator<string> {
  const reader = from === chain ? fromRoute(to) : backRoute(to)
  const sent = from === chain ? passed(chain, was) : was
  if (messages.length === 0 && !letter) yield 'it did not come, and is no dead letter'
  for (const is of messages) for (const d of mistakes(to, reader, sent, is)) yield sayDifference(d)
  if (!letter) return
  if (messages.length > 0) yield `it came, and is a dead letter too: ${letter.reason}`
  if (letter.route === reader) yield `what was written cannot be read: ${letter.reason}`
  else if (letter.kind !== 'refused' || !isKnownRefusal(to, letter.reason))
    yield `it is a dead letter (${letter.kind}): ${letter.reason}`
  else {
    const original = from === chain ? letter.message : passed(fromRoute(from), letter.message)
    for (const d of differences(was, original)) yield `in its dead letter: ${sayDifference(d)}`
  }
}

/** The first few tell enough. */
function assertNone(problems: readonly string[] = []): void {
  if (problems.length > 0) assert.fail(`${problems.length} problems:\n${problems.slice(0, 5).join('\n')}`)
}

/** A test that needs these ends; without their brokers it is skipped, or failed where they are asked for. */
function testWith(title: string, needed: readonly End[], run: () => void): void {
  const missing = needed.map(v => found.get(v)).find(f => typeof f === 'string')
  if (typeof missing !== 'string') return void test(title, run)
  test(title, { skip: process.env.SLUICE_REQUIRE_BROKERS === '1' ? false : missing }, () => {
    throw new Error(`${missing}, and SLUICE_REQUIRE_BROKERS=1 asks for it`)
  })
}

void describe(`any message over every pair (SLUICE_SEED=${firstSeed})`, () => {
  const findings = new Findings()

  before(
    async () => {
      const present = ends.flatMap(end => {
        const broker = found.get(end)
        return typeof broker === 'string' ? [] : [[end, broker] as const]
      })
      await using pairs = await Pairs.open(new Map(present))
      for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
        const messages = fc.sample(anySent, { numRuns: perRound, seed })
        const carried = await pairs.carry(messages)
        findings.add(
          { seed, messages, carried },
          present.map(([end]) => end),
        )
      }
    },
    { timeout: rounds * 120_000 },
  )

  for (const source of ends.filter(v => v.canBeSource)) {
    testWith(`${source.title} as it is read`, [source], () => {
      assertNone(findings.problems.get(source.key))
    })
    for (const target of ends) {
      const pair = `${source.key} ${target.key}`
      testWith(`${source.title} to ${target.title}`, [source, target], () => {
        assertNone(findings.problems.get(pair))
        const { arrived, refused } = findings.counts.get(pair)!
        assert.ok(arrived > refused / 4, `${arrived} arrived, and ${refused} were refused`)
      })
    }
  }

  test('no link was lost: what ends a connection once does so each time that it is sent', () => {
    assert.deepEqual(findings.troubles, [])
  })

  test('what may be otherwise is what docs/fidelity.md says', async () => {
    const page = (await readFile(new URL('../../docs/fidelity.md', import.meta.url), 'utf8')).replace(
      /\s+/g,
      ' ',
    )
    for (const { words } of [...rules, ...refusals]) assert.ok(page.includes(words), words)
  })

  after(() => {
    const all = [...findings.counts.values()]
    const sum = (what: keyof Count) => all.reduce((n, count) => n + count[what], 0)
    console.log(`${sum('arrived')} came, ${sum('refused')} were refused`)
  })
})
