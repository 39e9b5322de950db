import { writePage } from '../page.ts'
import { measured, readResults, writeResults } from '../results.ts'
import { mutants } from './list.ts'
import { broken, copyOfTree, type Fate, runTest, tryMutant } from './run.ts'

/**
 * Breaks one promise at a time in a copy of the tree and sees that its test goes red; writes the table of
 * docs/reliability.md. Arguments choose those whose promise holds one of them.
 */
const parts = process.argv.slice(2)
const chosen = mutants.filter(m => parts.length === 0 || parts.some(part => m.breaks.includes(part)))
for (const mutant of chosen) broken(mutant)
using copy = copyOfTree()
const whole = new Map<string, Fate>()
let escaped = 0
for (const mutant of chosen) {
  const key = `${mutant.test} ${mutant.only ?? ''}`
  if (!whole.has(key)) whole.set(key, await runTest(copy.folder, mutant))
  // A test that is red anyway notices nothing.
  const fate =
    whole.get(key) === 'green' ? await tryMutant(copy.folder, mutant) : `${whole.get(key)} unbroken`
  if (fate !== 'red') escaped++
  process.stdout.write(`${fate.padEnd(8)} ${mutant.breaks} (${mutant.test})\n`)
  const { mutants: before, ...results } = readResults()
  const caught = measured({ name: mutant.breaks, test: mutant.test, red: fate === 'red' })
  const names = new Set(mutants.map(m => m.breaks))
  const kept = Object.entries(before).filter(([name]) => names.has(name))
  writeResults({ ...results, mutants: { ...Object.fromEntries(kept), [mutant.breaks]: caught } })
}
writePage(readResults())
process.stdout.write(`${chosen.length - escaped} of ${chosen.length} were noticed\n`)
process.exitCode = escaped === 0 ? 0 : 1
