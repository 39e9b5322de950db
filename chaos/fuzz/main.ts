import { parseArgs } from 'node:util'
import { writePage } from '../page.ts'
import { measured, readResults, writeResults } from '../results.ts'
import { fuzz } from './fuzz.ts'
import { fuzzTargets } from './targets.ts'

/**
 * Gives each reader of what others wrote a million inputs; writes docs/reliability.md. `--inputs N` for fewer, `--seed N`,
 * `--target PART` for those whose name holds this.
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.trunc(Date.now() / 1000) % 1_000_000) },
    target: { type: 'string', default: '' },
  },
})
const seed = Number(values.seed)
process.stdout.write(`seed ${seed}\n`)
for (const { name } of fuzzTargets.filter(t => t.name.includes(values.target))) {
  const result = await fuzz(name, Number(values.inputs), seed)
  process.stdout.write(
    `${name}: ${result.inputs} inputs, the slowest ${result.slowest.toFixed(1)} ms, heap ${Math.round(result.grown / 1024)} KiB more\n`,
  )
  for (const wrong of result.wrongs) process.stdout.write(`  WRONG: ${wrong}\n`)
  if (result.wrongs.length > 0) process.exitCode = 1
  const results = readResults()
  writeResults({ ...results, fuzz: { ...results.fuzz, [name]: measured(result) } })
}
writePage(readResults())
