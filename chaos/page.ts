import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type FaultName, faultOf, faults } from './faults.ts'
import { limit } from './fuzz/fuzz.ts'
import { mutants } from './mutants/list.ts'
import type { Measured, Results } from './results.ts'
import type { Result } from './scenario.ts'
import { scenarios } from './scenarios.ts'
import { tolerance } from './soak.ts'
import { patience } from './world.ts'

const file = join(import.meta.dirname, '../docs/reliability.md')

export function writePage(results: Results): void {
  writeFileSync(file, pageOf(results))
}

/** docs/reliability.md, from what was measured and nothing else. */
export function pageOf(results: Results): string {
  return `${[
    '# Reliability: what was broken, and what arrived',
    '',
    '<!-- Written by npm run chaos, npm run fuzz and npm run mutants from chaos/results/latest.json. -->',
    '',
    ...faultsPart(results),
    ...soakPart(results),
    ...fuzzPart(results),
    ...mutantsPart(results),
  ].join('\n')}`
}

const table = (head: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${' --- |'.repeat(head.length)}`,
  ...rows.map(row => `| ${row.map(cell => String(cell).replaceAll('|', '\\|')).join(' | ')} |`),
  '',
]
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`
const unique = (all: readonly string[]) => [...new Set(all)].join('; ')

function faultsPart({ scenarios: measured }: Results): string[] {
  const done = scenarios.flatMap(({ name }) => measured[name] ?? [])
  const missing = scenarios.filter(({ name }) => !measured[name]).map(({ name }) => name)
  const sum = (of: (result: Result) => number) => done.reduce((total, result) => total + of(result), 0)
  const times = (name: FaultName) => sum(({ faults }) => faults[name] ?? 0)
  return [
    '## Faults',
    '',
    'The bridge runs as a process of its own between real brokers and fauxqs, which stands in for SQS; a proxy stands between it and each side.',
    'A generator numbers each message, and numbers the messages of each of 20 groups; a checker reads the target with a client of its own and',
    'accounts for every number. *Sent* are those that their broker confirmed to the generator. *Lost* and *dead letters* must be 0, and where the order',
    'is promised *out of order*, which is the first arrival within a group. Duplicates are what at least once allows.',
    '',
    '```',
    'npm run chaos -- --scenario NAME --seed N --minutes M',
    '```',
    '',
    'The same seed gives the same faults in the same order. *To the first* is the time from the end of a fault to the next message that had not',
    'arrived before; *to all*, until all that was sent before the end of the fault had arrived; of all faults of the scenario the longest. The first can come after',
    'all where nothing was waiting: then it is the generator that had to connect again. In those with',
    '`kill -9`, SIGTERM and several faults at once the next fault does not wait for the end of the one before, and only what follows the last one is measured.',
    'The target is as far away as the table says, either way. Where the table has a number of messages *held at a kill*, the sockets of the target stall,',
    'and some of them are reset, before most of the kills, and it is back when the bridge has started again; what stalled never arrives. The number is the least that was unsettled at such a',
    'kill: a bridge that settles early loses it. Whether the disk buffer syncs is not seen so, since what a killed process wrote stays with the kernel; its tests see that.',
    'A killed bridge is started again at once, and its start is part of the fault. What it had received from SQS comes again after the',
    "queue's visibility timeout, here 5 s. Memory is the most that the process of the bridge had resident.",
    '',
    `The routes have \`heartbeat: ${patience.heartbeat}\`, \`connect_timeout: ${patience.connect_timeout}\`, \`send_timeout: ${patience.send_timeout}\` (\`call_timeout: ${patience.call_timeout}\` of a source that is a queue of SQS), \`retry: { initial: ${patience.retry.initial}, max: ${patience.retry.max} }\``,
    `and \`breaker: { minimum_calls: ${patience.breaker.minimum_calls}, open_for: ${patience.breaker.open_for} }\`: the times follow from these. Connections of the generator and the checker have no faults.`,
    'A clock steps for the bridge only, by a module that is loaded before it and shifts `Date`; timers follow the monotonic clock, as they do when the clock of a',
    'machine is set. Brokers are restarted in their orderly way, and the checker lets go of its connection before.',
    'What killed brokers lose of what they confirmed is not measured.',
    '',
    ...(done.length === 0
      ? ['Not measured yet.', '']
      : [
          `On ${unique(done.map(r => r.machine))}; ${unique(done.map(r => r.date))}. The tests of others may have run on it at the same time.`,
          '',
        ]),
    ...table(
      [
        'scenario',
        'from',
        'to',
        'sent',
        'arrived',
        'lost',
        'duplicates',
        'out of order',
        'dead letters',
        'memory',
        'to the first',
        'to all',
        'target away',
        'held at a kill',
        'seed, time',
      ],
      done.map(rowOf),
    ),
    ...done.flatMap(({ scenario, wrongs }) =>
      wrongs.map(wrong => `- **${scenario}: ${wrong.split('\n')[0]}**`),
    ),
    ...(missing.length > 0 ? [`Not run: ${missing.join(', ')}.`, ''] : []),
    `The bridge was killed ${times('kill') + times('kill-unsettled')} times. Faults in all: ${Object.keys(
      faults,
    )
      .filter(name => times(name as FaultName) > 0)
      .map(name => `${faultOf(name as FaultName).title} ${times(name as FaultName)}`)
      .join(', ')}.`,
    '',
    ...table(
      ['scenario', 'faults'],
      done.map(({ scenario, faults: counts }) => [
        `\`${scenario}\``,
        Object.entries(counts)
          .map(([name, count]) => `${faultOf(name as FaultName).title} (${count})`)
          .join(', '),
      ]),
    ),
    'CI runs a short cut of some of them.',
    '',
  ]
}

const rowOf = (r: Measured<Result>): (string | number)[] => [
  `\`${r.scenario}\``,
  r.from,
  r.to,
  r.sent,
  r.arrived,
  r.lost,
  r.duplicates,
  r.isOrdered ? r.outOfOrder : 'not promised',
  r.deadLetters,
  mebibytes(r.rss),
  seconds(r.recovery.first),
  seconds(r.recovery.caughtUp),
  `${r.distance} ms`,
  r.unsettled ?? '',
  `${r.seed}, ${Math.round(r.seconds)} s`,
]

function soakPart({ soak }: Results): string[] {
  const head = [
    '## Soak',
    '',
    '200 messages a second from RabbitMQ 4 over AMQP 1.0 to SQS, with the connection to the broker reset every five seconds: what is opened again and',
    'again must not pile up. The bridge has a heap of 80 MiB, so that garbage is collected soon. A straight line is laid through the samples after the first third of the time, one a second; by the end of the run the line',
    `may not have risen by more than ${mebibytes(tolerance.bytes)} of RSS, nor by more than ${tolerance.files} open files.`,
    '',
    '```',
    'npm run chaos -- --scenario soak --minutes 60',
    '```',
    '',
  ]
  if (!soak) return [...head, 'Not measured yet.', '']
  return [
    ...head,
    `${Math.round(soak.seconds / 60)} minutes on ${soak.machine}; ${soak.date}.`,
    '',
    ...table(
      [
        'sent',
        'lost',
        'duplicates',
        'RSS, first and last',
        'RSS an hour',
        'open files, first and last',
        'open files an hour',
      ],
      [
        [
          soak.sent,
          soak.lost,
          soak.duplicates,
          soak.rss.map(mebibytes).join(', '),
          mebibytes(soak.rssAnHour),
          soak.files.join(', '),
          soak.filesAnHour.toFixed(1),
        ],
      ],
    ),
    ...soak.wrongs.map(wrong => `- **${wrong}**`),
    'In CI it runs for five minutes.',
    '',
  ]
}

function fuzzPart({ fuzz }: Results): string[] {
  const done = Object.values(fuzz)
  return [
    '## Fuzzing',
    '',
    'Each reader of what others wrote gets inputs that fast-check makes: recorded traffic of real brokers, shipped configurations and ordinary messages',
    'with some bytes changed, cut, doubled or put in, and bytes out of nothing. It may refuse what it cannot read, in a sentence; any other error is a crash.',
    `An input that takes ${limit / 1000} s is a hang. The heap that lives after the last input may not be larger than after the first third. CI gives each some thousand inputs.`,
    '',
    '```',
    'npm run fuzz -- --inputs 1000000 --seed N --target PART',
    '```',
    '',
    ...(done.length === 0
      ? ['Not measured yet.', '']
      : [`On ${unique(done.map(r => r.machine))}; ${unique(done.map(r => r.date))}.`, '']),
    ...table(
      ['reader', 'inputs', 'crashes, hangs', 'slowest input', 'heap grown by', 'seed'],
      done.map(r => [
        r.target,
        r.inputs,
        r.wrongs.length,
        `${r.slowest.toFixed(0)} ms`,
        `${Math.round(r.grown / 1024)} KiB`,
        r.seed,
      ]),
    ),
  ]
}

function mutantsPart({ mutants: measured }: Results): string[] {
  const fate = (breaks: string) => {
    const caught = measured[breaks]
    return caught === undefined ? 'not run' : caught.red ? 'red' : '**NOT NOTICED**'
  }
  return [
    '## Promises broken on purpose',
    '',
    '`npm run mutants` breaks one promise at a time in a copy of the sources, by a change of a line or two, and runs the test that has to notice.',
    'The changes are in `chaos/mutants/list.ts`; CI sees that each still fits its source.',
    '',
    ...table(
      ['broken promise', 'in', 'test', 'result'],
      mutants.map(({ breaks, file: source, test }) => [breaks, `\`${source}\``, `\`${test}\``, fate(breaks)]),
    ),
  ]
}
