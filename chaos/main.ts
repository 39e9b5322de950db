import { parseArgs } from 'node:util'
import { writePage } from './page.ts'
import { measured, readResults, writeResults } from './results.ts'
import { logOf, runScenario } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { runSoak } from './soak.ts'

/**
 * Runs the bridge through faults on real brokers and accounts for every message; writes docs/reliability.md.
 * `--scenario NAME` (several, with commas; `soak` is one of its own) instead of all, `--minutes M` for each, `--seed N`:
 * the same seed gives the same faults in the same order.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.trunc(Date.now() / 1000) % 1_000_000) },
    scenario: { type: 'string' },
    minutes: { type: 'string', default: '0.75' },
  },
})
const say = (line: string) => process.stdout.write(`${line}\n`)
const seed = Number(values.seed)
const milliseconds = Number(values.minutes) * 60_000
const names = values.scenario?.split(',') ?? scenarios.map(s => s.name)
const chosen = names.map(name => {
  const scenario = scenarios.find(s => s.name === name)
  if (scenario || name === 'soak') return scenario
  throw new Error(`there is no scenario ${name}; there are ${scenarios.map(s => s.name).join(', ')} and soak`)
})
say(`seed ${seed}`)
let isWell = true
for (const scenario of chosen) {
  const result = scenario ? await carried(scenario) : await soaked()
  isWell &&= result.wrongs.length === 0
  for (const wrong of result.wrongs) say(`  WRONG: ${wrong}`)
  writePage(readResults())
}
process.exitCode = isWell ? 0 : 1

async function carried(scenario: (typeof scenarios)[number]) {
  say(`${scenario.name}: ${scenario.from} to ${scenario.to}`)
  // The denial alone takes a minute.
  const least = scenario.name === 'denied' ? 65_000 : 0
  const result = await runScenario(scenario, { seed, milliseconds: Math.max(least, milliseconds) }, line =>
    say(`  ${line}`),
  )
  say(
    `  sent ${result.sent}, arrived ${result.arrived}, lost ${result.lost}, duplicates ${result.duplicates}, out of order ${result.outOfOrder}, dead letters ${result.deadLetters}`,
  )
  if (result.wrongs.length > 0) say(`  the log of the bridge is ${logOf(scenario.name)}`)
  const results = readResults()
  writeResults({ ...results, scenarios: { ...results.scenarios, [scenario.name]: measured(result) } })
  return result
}

async function soaked() {
  const result = await runSoak({ seed, milliseconds }, line => say(`  ${line}`))
  writeResults({ ...readResults(), soak: measured(result) })
  return result
}
