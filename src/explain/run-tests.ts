import { dirname } from 'node:path'
import type { Way } from '../bridge.ts'
import { ConfigInvalid, type PlacedProblem, type Problem } from '../config/problem.ts'
import type { WrittenTest } from '../config/tests-schema.ts'
import { suggest } from '../core/suggest.ts'
import { type Difference, differences } from './compare.ts'
import { addressOf, explained } from './explain.ts'
import { type Received, readMessage } from './read-message.ts'

/** What came of one test. */
export interface TestDone {
  readonly name: string
  readonly route: string
  /** Where it stands: `file:line:column`. */
  readonly where: string
  /** By target; empty when all is as expected. */
  readonly differences: readonly (Difference & { readonly target: string })[]
  readonly milliseconds: number
}

export interface Tests {
  readonly written: readonly WrittenTest[]
  readonly ways: ReadonlyMap<string, Way>
  place(problems: readonly Problem[]): readonly PlacedProblem[]
}

/**
 * Runs the tests whose name holds `filter`, one after the other. Throws ConfigInvalid, before any is run, with all that is
 * wrong in their messages, and for routes and targets that are not there.
 */
export async function runTests(tests: Tests, filter = ''): Promise<readonly TestDone[]> {
  const ready = readyTests(tests)
  const done: TestDone[] = []
  for (const one of ready) if (one.test.name.includes(filter)) done.push(await runOne(one, tests))
  return done
}

/** Runs nothing. Throws ConfigInvalid as `runTests` does. */
export function readyTests(tests: Tests): readonly Ready[] {
  const problems: Problem[] = []
  const ready = tests.written.map((test, i) => readied(test, i, tests, problems))
  if (problems.length > 0) throw new ConfigInvalid(tests.place(problems))
  return ready.filter(one => one !== undefined)
}

interface Ready {
  readonly test: WrittenTest
  readonly index: number
  readonly way: Way
  readonly received: Received
}

function readied(test: WrittenTest, index: number, tests: Tests, problems: Problem[]): Ready | undefined {
  const path = ['tests', index]
  const way = tests.ways.get(test.route)
  if (!way) {
    const known = [...tests.ways.keys()]
    problems.push({
      path: [...path, 'route'],
      text: `there is no route "${test.route}"${suggest(test.route, known)}`,
    })
    return undefined
  }
  const targets = [...way.targets.keys()]
  for (const target of Object.keys(test.expect).filter(name => !way.targets.has(name))) {
    const text = `the route has no target "${target}"${suggest(target, targets) || `; it has ${targets.join(', ')}`}`
    problems.push({ path: [...path, 'expect', target], atKey: true, text })
  }
  // Bodies are looked for beside the file that the test is written in.
  const [at] = tests.place([{ path, text: '' }])
  const around = { address: addressOf(way), folder: dirname(at!.file), path: [...path, 'message'] }
  return { test, index, way, received: readMessage(test.message, around, problems) }
}

async function runOne({ test, index, way, received }: Ready, { place }: Tests): Promise<TestDone> {
  const begun = performance.now()
  const { targets } = await explained(way, received)
  const found = targets.flatMap(target => {
    const expected = test.expect[target.target]
    return expected ? differences(expected, target).map(d => ({ ...d, target: target.target })) : []
  })
  const [at] = place([{ path: ['tests', index], text: '' }])
  return {
    name: test.name,
    route: test.route,
    where: at ? `${at.file}:${at.line}:${at.column}` : '',
    differences: found,
    milliseconds: performance.now() - begun,
  }
}
