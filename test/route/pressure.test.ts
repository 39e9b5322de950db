import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { Buffer } from '../../src/route/buffer.ts'
import { type Memory, Pressure } from '../../src/route/pressure.ts'

const mebibyte = 2 ** 20
const plenty: Memory = {
  heapUsed: 50 * mebibyte,
  heapLimit: 1_000 * mebibyte,
  rss: 100 * mebibyte,
  rssLimit: 2_000 * mebibyte,
}

function pressured() {
  let memory = plenty
  const changes: boolean[] = []
  const pressure = new Pressure(
    event => changes.push(event.type === 'pressure' && event.scale < 1),
    () => memory,
  )
  const look = (more: Partial<Memory> = {}) => {
    memory = { ...plenty, ...more }
    for (let i = 0; i < 10; i++) pressure.look()
    return pressure.scale
  }
  return { pressure, look, changes }
}

describe('memory pressure', () => {
  it('leaves buffers alone while there is room', () => {
    const { pressure, look, changes } = pressured()
    for (let i = 0; i < 300; i++) pressure.join(() => 100 * 1024)
    assert.equal(look(), 1)
    const limits = { maxMessages: 100, maxBytes: 1_000, pressure }
    assert.equal(new Buffer(limits).limits, limits)
    assert.deepEqual(changes, [])
  })

  it('makes room in proportion before buffers are full, where all together could not be', () => {
    const { pressure, look, changes } = pressured()
    let appetite = 64 * mebibyte
    for (let i = 0; i < 10; i++) pressure.join(() => appetite)
    const scale = look()
    assert.ok(scale > 0.4 && scale < 0.5, `${scale}`)
    assert.deepEqual(new Buffer({ maxMessages: 100, maxBytes: 1_000, pressure }).limits, {
      maxMessages: Math.floor(100 * scale),
      maxBytes: Math.floor(1_000 * scale),
    })
    appetite = mebibyte
    assert.equal(look(), 1)
    assert.deepEqual(changes, [true, false])
  })

  for (const [what, used] of [
    ['heap', { heapUsed: 800 * mebibyte }],
    ['process in its container', { rss: 1_600 * mebibyte }],
  ] as const) {
    it(`shrinks buffers while the ${what} is almost full, to one message at last`, () => {
      const { pressure, look, changes } = pressured()
      assert.ok(Math.abs(look(used) - 0.5) < 1e-9)
      assert.equal(look({ heapUsed: 950 * mebibyte, rss: 1_950 * mebibyte }), 0)
      assert.deepEqual(new Buffer({ maxMessages: 100, maxBytes: 1_000, pressure }).limits, {
        maxMessages: 1,
        maxBytes: 1,
      })
      assert.equal(look(), 1)
      assert.deepEqual(changes, [true, false])
    })
  }

  it('does not take garbage that is about to be collected for it', () => {
    const { pressure, look } = pressured()
    look()
    let scale = 1
    for (let i = 0; i < 30; i++) {
      // Up and down, as a heap is.
      const { heapLimit } = plenty
      const heapUsed = heapLimit * (0.5 + (i % 5) / 10)
      Object.assign(plenty, { heapUsed })
      pressure.look()
      scale = Math.min(scale, pressure.scale)
    }
    Object.assign(plenty, { heapUsed: 50 * mebibyte })
    assert.equal(scale, 1)
  })

  it('says that the event loop is late when it has been for five seconds', () => {
    const late: number[] = []
    const pressure = new Pressure(
      event => late.push(event.type === 'late' ? event.seconds : -1),
      () => plenty,
    )
    let now = 0
    for (const [looks, apart] of [
      [30, 101],
      [1, 4_900],
      [30, 101],
      [15, 300],
      [30, 101],
    ] as const) {
      for (let i = 0; i < looks; i++) {
        now += apart
        pressure.look(now)
      }
    }
    assert.deepEqual(late, [])
    for (let i = 0; i < 20; i++) {
      now += 300
      pressure.look(now)
    }
    assert.deepEqual(late, Array(4).fill(0.2))
  })

  it('keeps a process alive that has 128 MiB of heap, large messages for 256 MiB of buffers, and a target that is down', async () => {
    const child = join(import.meta.dirname, 'pressure-child.ts')
    const { stdout } = await promisify(execFile)(process.execPath, ['--max-old-space-size=128', child])
    const { mostRss, mostHeld, arrived } = JSON.parse(stdout)
    assert.deepEqual(arrived, [250, 250, 250, 250])
    assert.ok(mostHeld > 10 * mebibyte && mostHeld < 60 * mebibyte, `held ${mostHeld}`)
    assert.ok(mostRss < 300 * mebibyte, `took ${mostRss}`)
  })
})
