import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { MessageRefused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { compileMapping, type Rule } from '../../src/route/mapping/mapping.ts'

const message: Message = {
  address: 'ORDERS',
  body: { kind: 'text', text: '{"customer":{"id":"c-7"},"lines":[1,2]}' },
  properties: { correlationId: { type: 'uint64', value: 2n ** 60n }, contentType: 'application/json' },
  headers: {
    acct: { type: 'int64', value: 9_007_199_254_740_993n },
    kind: { type: 'string', value: 'order' },
    'x-foo': { type: 'string', value: 'dashed' },
    size: { type: 'int8', value: 5 },
  },
}

const map = (...rules: Rule[]) => compileMapping(rules)(message)
const set = async (rule: NonNullable<Rule['set']>) => (await map({ set: rule }))!

describe('mapping', () => {
  it('passes a message through unchanged when there are no rules', async () => {
    assert.equal(await map(), message)
  })

  it('sets headers, and a lone expression keeps its type', async () => {
    const { headers } = await set({
      headers: { tenant: '${headers.acct}', label: 'n-${headers.acct}-${headers.size}' },
    })
    assert.deepEqual(headers.tenant, { type: 'int64', value: 9_007_199_254_740_993n })
    assert.deepEqual(headers.label, { type: 'string', value: 'n-9007199254740993-5' })
    assert.deepEqual(headers.kind, message.headers.kind)
  })

  it('reads quoted header names, properties, the address and fields of a JSON body', async () => {
    const { headers, properties } = await set({
      headers: {
        a: '${headers.`x-foo`}',
        b: '${address}',
        c: '${properties.correlation_id}',
        d: '${$sum(body.lines)}',
      },
      group_id: '${body.customer.id}',
    })
    assert.deepEqual(headers.a, { type: 'string', value: 'dashed' })
    assert.deepEqual(headers.b, { type: 'string', value: 'ORDERS' })
    assert.deepEqual(headers.c, { type: 'uint64', value: 2n ** 60n })
    assert.deepEqual(headers.d, { type: 'int32', value: 3 })
    assert.equal(properties.groupId, 'c-7')
  })

  it('sets a priority, a delay and a time to live, from durations or milliseconds', async () => {
    const before = Date.now()
    const { properties } = await set({ priority: '${headers.size}', delay: '5m', expires_in: 1_500 })
    assert.deepEqual([properties.priority, properties.delay], [5, 300_000])
    assert.ok(properties.expiresAt! >= before + 1_500 && properties.expiresAt! <= Date.now() + 1_500)
    await assert.rejects(set({ priority: 10 }), /whole number from 0 to 9, and here it is 10/)
    await assert.rejects(set({ delay: '${headers.kind}' }), /a duration is written .* here it is order/)
  })

  it('keeps the type of a correlation id and makes the others text', async () => {
    const { properties } = await set({
      correlation_id: '${headers.acct}',
      group_id: 42,
    })
    assert.deepEqual(properties.correlationId, { type: 'int64', value: 9_007_199_254_740_993n })
    assert.equal(properties.groupId, '42')
  })

  it('refuses a message that lacks what a template reads', async () => {
    await assert.rejects(set({ group_id: '${headers.missing}' }), {
      name: 'MessageRefused',
      message: 'rule 1 (set): the mapping reads headers.missing, which this message does not have',
    })
    await assert.rejects(set({ group_id: '${headers.constructor}' }), MessageRefused)
  })

  it('says why it refuses in a sentence that does not grow with the message', async () => {
    const long = {
      ...message,
      address: 'a'.repeat(2 ** 20),
      headers: { a: { type: 'string', value: '1'.repeat(2 ** 20) } },
    } as const
    for (const rule of [
      { match: ['b'] },
      { set: { priority: '${headers.a}' } },
      { set: { expires_in: '${headers.a}0h' } },
    ]) {
      await assert.rejects(
        async () => compileMapping([rule])(long),
        (error: Error) => {
          assert.ok(error instanceof MessageRefused)
          assert.match(error.message, /^rule 1 \((match|set)\): .*…$/)
          assert.ok(error.message.length < 1_100, String(error.message.length))
          return true
        },
      )
    }
  })

  it('drops only what is exactly true, and refuses what is neither true nor false', async () => {
    assert.equal(await map({ drop_if: 'headers.kind = "order"' }), undefined)
    assert.equal(await map({ drop_if: 'headers.kind = "heartbeat"' }), message)
    await assert.rejects(
      async () => map({ drop_if: 'headers.kind' }),
      /is a string for this message, not true or false/,
    )
    await assert.rejects(async () => map({ drop_if: 'headers.nope' }), /is nothing for this message/)
  })

  it('says where an expression fails on a message', async () => {
    await assert.rejects(
      async () => map({ drop_if: 'headers.kind > 5' }),
      /evaluating "headers.kind > 5": .*same/,
    )
  })

  it('does not compile what is not well-formed', () => {
    assert.throws(() => compileMapping([{ drop_if: 'headers.(' }]))
    assert.throws(() => compileMapping([{ set: { group_id: 'x-${headers.a' } }]), /without its }/)
  })

  it('applies rules in order', async () => {
    const mapped = await map(
      { set: { headers: { kind: 'heartbeat' } } },
      { drop_if: 'headers.kind = "heartbeat"' },
    )
    assert.equal(mapped, undefined)
  })
})
