import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import mqttPacket, { type IPublishPacket, type Packet } from 'mqtt-packet'
import { limit, tolerance } from '../../chaos/fuzz/fuzz.ts'
import { readAll } from '../../chaos/fuzz/reading.ts'
import { fuzzTargets } from '../../chaos/fuzz/targets.ts'
import { decode } from '../../src/adapters/mqtt/codec.ts'

/** `npm run fuzz` gives a million. */
const count = 2_000

describe('what others wrote, changed here and there, neither crashes nor holds up who reads it:', () => {
  const seed = Math.trunc(Math.random() * 2 ** 31)
  for (const target of fuzzTargets) {
    test(`${target.name} (seed ${seed})`, { timeout: 120_000 }, () => {
      const { wrongs, slowest, grown } = readAll(target, count, seed)
      assert.deepEqual(wrongs, [])
      assert.ok(slowest < limit, `an input took ${slowest} ms`)
      assert.ok(grown < tolerance, `the heap grew by ${grown} bytes`)
    })
  }

  test('sees a crash, and says what input it was', () => {
    const read = (input: Buffer) => {
      if (input.includes(0)) throw new TypeError('a crash')
    }
    const { wrongs } = readAll({ name: 'one that crashes', seeds: () => [Buffer.of(1, 2)], read }, 500, 1)
    assert.match(wrongs[0]!, /a crash[\s\S]*\nby [A-Za-z0-9+/=]+$/)
  })
})

describe('found by it', () => {
  test('a user property of MQTT that is cut by the end of its packet is empty', () => {
    const bytes = Buffer.from(
      'IAkAAAYiAAohABSQBHqRAAEy8gEADHJlY29yZC0zMjMyNwABDyYAgAAAAHVwAAVnMCDDvDAgZzAgwyYAgAAAAHVwAAVnMCDDvDAgZzAgw7wgMCAu' +
        'Li4u'.repeat(60),
      'base64',
    )
    const packets: Packet[] = []
    const parser = mqttPacket.parser({ protocolVersion: 5 })
    parser.on('packet', packet => packets.push(packet))
    parser.on('error', () => {})
    parser.parse(bytes)
    const [cut] = packets.filter(p => p.cmd === 'publish')
    assert.deepEqual(Object.values((cut as IPublishPacket).properties!.userProperties!), [null])
    assert.deepEqual(Object.values(decode(cut as never).headers), [{ type: 'string', value: '' }])
  })
})
