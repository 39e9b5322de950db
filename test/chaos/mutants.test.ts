import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { mutants } from '../../chaos/mutants/list.ts'
import { broken } from '../../chaos/mutants/run.ts'

/** Whether their tests notice is seen by `npm run mutants`, which takes too long for each change. */
describe('each promise that is broken on purpose', () => {
  for (const mutant of mutants) {
    test(`still can be: ${mutant.breaks}`, () => {
      assert.notEqual(broken(mutant), '')
      assert.ok(existsSync(join(import.meta.dirname, '../..', mutant.test)), `${mutant.test} is not there`)
    })
  }

  test('is refused when its source has changed', () => {
    assert.throws(() => broken(mutants[0]!, 'another text'), /stands 0 times/)
  })
})
