import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Channel, Message } from 'amqplib'
import fc from 'fast-check'
import { Acks } from '../../src/adapters/amqp091/acks.ts'
import { Window } from '../../src/adapters/amqp091/window.ts'

/** A broker's view of one channel: acks of what it does not have outstanding are errors, as in RabbitMQ. */
class BrokerChannel {
  readonly outstanding = new Set<number>()
  readonly rejected = new Set<number>()

  ack({ fields }: Message, multiple = false): void {
    this.#take(fields.deliveryTag, multiple)
  }

  nack({ fields }: Message, multiple: boolean, requeue: boolean): void {
    assert.equal(requeue, false)
    this.#take(fields.deliveryTag, multiple)
    this.rejected.add(fields.deliveryTag)
  }

  #take(tag: number, multiple: boolean): void {
    assert.ok(this.outstanding.delete(tag), `unknown delivery tag ${tag}`)
    if (multiple) for (const t of this.outstanding) if (t < tag) this.outstanding.delete(t)
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: 'receive' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('accept' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reject' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'flush' as const }) },
)

describe('acknowledging together', () => {
  test('leaves unsettled exactly what was not settled, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), steps => {
        const broker = new BrokerChannel()
        const acks = new Acks(broker as unknown as Channel)
        const open: number[] = []
        const rejected: number[] = []
        let tag = 0
        for (const s of steps) {
          if (s.do === 'receive') {
            tag++
            broker.outstanding.add(tag)
            acks.received(tag)
            open.push(tag)
          } else if (s.do === 'flush') acks.flush()
          else if (open.length > 0) {
            const [settled] = open.splice(s.which % open.length, 1)
            if (s.do === 'accept') void acks.accept(settled!)
            else void acks.reject(settled!)
            if (s.do === 'reject') rejected.push(settled!)
          }
        }
        acks.flush()
        assert.deepEqual([...broker.outstanding].sort(byNumber), open.sort(byNumber))
        assert.deepEqual([...broker.rejected].sort(byNumber), rejected.sort(byNumber))
        assert.equal(acks.unsettled, open.length)
      }),
    )
  })

  test('a second settlement of the same delivery is not sent', () => {
    const broker = new BrokerChannel()
    const acks = new Acks(broker as unknown as Channel)
    broker.outstanding.add(1)
    acks.received(1)
    void acks.accept(1)
    void acks.accept(1)
    acks.flush()
    void acks.reject(1)
    acks.flush()
    assert.equal(broker.rejected.size, 0)
  })
})

const byNumber = (a: number, b: number): number => a - b

test('the window begins with the first grant and doubles up to its limit', () => {
  const window = new Window(10)
  const sizes: number[] = []
  assert.equal(window.shouldGrow, false)
  window.grant(1)
  for (let i = 0; i < 40; i++) {
    if (window.shouldGrow) {
      window.size = window.allowed
      sizes.push(window.size)
    }
    window.settle()
    window.grant(2)
  }
  assert.deepEqual(sizes, [1, 2, 4, 8, 10])
})
