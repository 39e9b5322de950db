import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { watch } from '../support/bridge-process.ts'
import { until } from '../support/until.ts'

const main = join(import.meta.dirname, '../../demo/main.ts')

const demo = (t: TestContext, ...args: readonly string[]) =>
  watch(t, spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }))

describe('the demo', () => {
  test('carries messages there and back with --once, says so in its last line, and exits 0', async t => {
    const { code, out, err } = demo(t, '--once')
    assert.equal(await code, 0, err())
    assert.equal(
      out().trimEnd().split('\n').at(-1),
      'demo: 1300 received, 1300 sent, 1000 arrived, 100 back, 100 replies, 0 lost',
    )
  })

  test('runs until SIGINT, then drains and prints its totals', async t => {
    const { child, code, out, err } = demo(t)
    await until(() => /orders +[1-9]/.test(out()), { what: 'traffic in the table', timeout: 40_000 })
    child.kill('SIGINT')
    assert.equal(await code, 0, err())
    const [, received, sent, dead] =
      /demo: (\d+) received, (\d+) sent, (\d+) dead-lettered in \d+ s/.exec(out()) ?? []
    assert.ok(Number(received) > 0, out())
    assert.equal(Number(sent) + Number(dead), Number(received))
  })
})
