import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSpread } from '../../src/adapters/shared/spread-sink.ts'
import type { Prepared, Sink } from '../../src/core/adapter.ts'
import { SinkUnavailable } from '../../src/core/errors.ts'

const never = new AbortController().signal

/** Sinks that note what goes by them, and fail as told. */
function scripted(count: number) {
  const went: Prepared[][] = Array.from({ length: count }, () => [])
  const failures: Error[] = []
  const open = async (n: number): Promise<Sink> => {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    return {
      limits: { maxMessageSize: 1 },
      closed: promise,
      close: async () => resolve(undefined),
      check: async () => {},
      send: async prepared => {
        went[n]!.push(prepared)
        const failure = failures.shift()
        if (failure) throw failure
        return {}
      },
    }
  }
  return { went, failures, open }
}

test('what is sent again over several connections goes by the same one, so that no stuck copy comes after its successors', async () => {
  const { went, failures, open } = scripted(3)
  const sink = await openSpread(3, open)
  const [a, busy] = [{ size: 1 }, { size: 1 }]
  failures.push(new SinkUnavailable('unknown'))
  await assert.rejects(sink.send(a, never))
  const first = went.findIndex(all => all.includes(a))
  // Its own connection is the busiest now.
  const sends = Array.from({ length: 5 }, () => sink.send({ ...busy }, never))
  await sink.send(a, never)
  await Promise.all(sends)
  assert.deepEqual(
    went.map(all => all.filter(p => p === a).length),
    [0, 1, 2].map(n => (n === first ? 2 : 0)),
  )
  await sink.close()
  assert.equal(await sink.closed, undefined)
})

test('messages in flight are spread evenly', async () => {
  const { went, open } = scripted(4)
  const sink = await openSpread(4, open)
  await Promise.all(Array.from({ length: 100 }, () => sink.send({ size: 1 }, never)))
  assert.deepEqual(
    went.map(all => all.length),
    [25, 25, 25, 25],
  )
})
