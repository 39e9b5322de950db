import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Connection, SharedConnections } from '../../src/adapters/shared/shared-connections.ts'

class Fake implements Connection {
  readonly closed: Promise<Error | undefined>
  readonly die: (error: Error | undefined) => void
  isClosed = false

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.die = resolve
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.die(undefined)
  }
}

const never = new AbortController().signal

/** Leases of connections that hold so many links each. */
function leasing(room?: number) {
  const opened: Fake[] = []
  const connections = new SharedConnections<object, Fake>(room === undefined ? undefined : () => room)
  const connect = async () => {
    const connection = new Fake()
    opened.push(connection)
    return connection
  }
  const key = {}
  return { opened, lease: () => connections.lease(key, connect, never) }
}

describe('connections that are shared', () => {
  it('are one for all, closed by the last', async () => {
    const { opened, lease } = leasing()
    const leases = await Promise.all(Array.from({ length: 300 }, lease))
    assert.equal(opened.length, 1)
    await Promise.all(leases.slice(1).map(l => l.release()))
    assert.equal(opened[0]?.isClosed, false)
    await leases[0]!.release()
    await leases[0]!.release()
    assert.equal(opened[0]?.isClosed, true)
  })

  it('are as few as hold all links, also where all ask at once', async () => {
    const { opened, lease } = leasing(32)
    const leases = await Promise.all(Array.from({ length: 300 }, lease))
    const users = opened.map(connection => leases.filter(l => l.connection === connection).length)
    assert.deepEqual(
      users.toSorted((a, b) => b - a),
      [32, 32, 32, 32, 32, 32, 32, 32, 32, 12],
    )
    const [first] = leases
    await first!.release()
    const { connection } = await lease()
    assert.equal(opened.length, 10)
    assert.ok(leases.some(l => l.connection === connection))
    await Promise.all(leases.map(l => l.release()))
    assert.equal(opened.filter(c => !c.isClosed).length, 1)
  })

  it('hold one link at least', async () => {
    const { opened, lease } = leasing(0)
    await Promise.all([lease(), lease()])
    assert.equal(opened.length, 2)
  })

  it('are never handed out again once they died', async () => {
    const { opened, lease } = leasing(2)
    const [one] = await Promise.all([lease(), lease(), lease()])
    one!.connection.die(new Error('gone'))
    await one!.connection.closed
    const again = await Promise.all([lease(), lease()])
    assert.ok(again.every(l => l.connection !== one!.connection))
    assert.equal(opened.length, 3)
  })
})
