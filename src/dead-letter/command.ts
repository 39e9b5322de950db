import { createInterface } from 'node:readline/promises'
import { Command, InvalidArgumentError, Option } from 'commander'
import { redriveRoute, wayOf } from '../bridge.ts'
import type { BridgeConfig } from '../config/bridge-config.ts'
import { parseDuration } from '../core/units.ts'
import { visible } from '../explain/layout.ts'
import { discard } from './discard.ts'
import type { Look } from './letters.ts'
import { list } from './list.ts'
import { doubts, type Place, placesOf } from './places.ts'
import { fateOf, preview } from './preview.ts'
import { redrive } from './redrive.ts'
import { parseTime, type Selection } from './select.ts'
import { show } from './show.ts'
import type { Tally } from './tally.ts'
import { untilSignal } from './until-signal.ts'

interface Written extends Selection {
  readonly json?: true
  readonly dryRun?: true
  readonly rate?: number
  readonly wait: number
  readonly yes?: true
}

/** What a command works with. `print` is for its result; all else goes to standard error. */
interface Work {
  readonly config: BridgeConfig
  readonly places: readonly Place[]
  readonly written: Written
  look(purpose: Look['purpose']): Look
  /** Something is not as it should be, which makes the exit code 1, or 2 where it is what was written. */
  fail(text: string, code?: 1 | 2): void
}

/** `sluice dead-letter list|show|redrive|discard`. `done` hears the exit code: 0, or 1 where something was refused or failed. */
export function deadLetterCommand(
  load: (file: string) => Promise<BridgeConfig>,
  done: (code: number) => void,
): Command {
  const command = new Command('dead-letter')
    .description('look at dead letters, send them again through their routes, or delete them')
    .exitOverride()
  const sub = (name: string, description: string, work: (work: Work) => Promise<void>) => {
    const made = selecting(command.command(name).exitOverride().description(description))
    return made.action(async (file: string, written: Written) =>
      done(await run(await load(file), written, work)),
    )
  }
  sub('list', 'print what there is, a letter after the other', listing).option(
    '--json',
    'one JSON object a line',
  )
  sub('show', 'print the first letter that is meant, with its message', showing).option(
    '--json',
    'its record',
  )
  const redriving = sub(
    'redrive',
    'send again to the target that refused, and remove what was confirmed',
    redriven,
  )
  acting(redriving, 'redriven').addOption(
    new Option('--wait <DURATION>', 'for a target that confirms nothing')
      .argParser(duration)
      .default(60_000, '60s'),
  )
  const discarding = sub('discard', 'delete for good', discarded)
  acting(discarding, 'deleted').option('--yes', 'ask nobody')
  return command
}

const selecting = (command: Command): Command =>
  command
    .argument('<FILE>', 'configuration in YAML')
    .option('--route <NAME>', 'of this route; * stands for anything')
    .option('--target <NAME>', 'that this target refused; * stands for anything')
    .option('--reason <TEXT>', 'with this in its reason or, with * in it, with this reason')
    .option('--since <TIME>', 'that died since then: 2026-11-25T14:00Z, or 2h (ago)', time)
    .option('--until <TIME>', 'that died until then', time)
    .option('--place <TEXT>', 'in the places with this in their name')
    .option('--id <ID>', 'with this id, or one that begins so')
    .option('--limit <N>', 'so many at most', positive)

const acting = (command: Command, what: string): Command =>
  command
    .option('--dry-run', `print what would be ${what}, and change nothing`)
    .option('--rate <N>', 'letters a second, at most', rate)

async function run(
  config: BridgeConfig,
  written: Written,
  work: (work: Work) => Promise<void>,
): Promise<number> {
  let code = 0
  const say = (text: string) => void process.stderr.write(`${visible(text)}\n`)
  const fail = (text: string, failed: 1 | 2 = 1) => {
    code = failed
    say(text)
  }
  const note = (text: string) => say(`note: ${text}`)
  for (const doubt of doubts(config, written)) note(doubt)
  await untilSignal(async signal => {
    const look: Work['look'] = purpose => ({
      purpose,
      selection: written,
      signal,
      say: { note, problem: text => fail(text) },
    })
    await work({ config, places: placesOf(config, written), written, look, fail })
    if (signal.aborted) fail('ended by a signal before all was done')
  })
  return code
}

/** Beyond so many, a list is a bounded sample unless more is asked for. */
const listed = 100

async function listing({ places, written, look }: Work): Promise<void> {
  const looking = look('look')
  const selection = { limit: listed, ...written }
  const count = await list(places, { ...looking, selection }, print, written.json === true)
  if (!written.json) print(`${letters(count)}${count === 0 ? ' that is meant' : ''}`)
}

async function showing({ places, written, look, fail }: Work): Promise<void> {
  const isShown = await show(places, look('look'), print, written.json === true)
  if (!isShown) fail('there is no dead letter that is meant')
}

async function redriven({ config, places, written, look, fail }: Work): Promise<void> {
  const { routes } = config
  if (written.dryRun) {
    const ways = new Map(routes.map(route => [route.name, wayOf(route, config)]))
    const count = await preview(places, look('look'), print, found =>
      fateOf(ways.get(found.letter.route), found),
    )
    return print(`${letters(count)}; nothing was sent and nothing removed`)
  }
  const tally = await redrive(places, look('take'), {
    routes,
    wait: written.wait,
    ...(written.rate !== undefined && { rate: written.rate }),
    build: (route, target, source, report) => redriveRoute(route, config, target, source, report),
  })
  conclude(tally, 'redriven', fail)
}

async function discarded({ places, written, look, fail }: Work): Promise<void> {
  if (written.dryRun) {
    const count = await preview(places, look('look'), print, () => 'would be deleted')
    return print(`${letters(count)}; nothing was deleted`)
  }
  const looking = look('take')
  if (!written.yes && !(await confirmed(places, looking.signal, fail))) return
  conclude(await discard(places, looking, written.rate), 'deleted', fail)
}

async function confirmed(
  places: readonly Place[],
  signal: AbortSignal,
  fail: Work['fail'],
): Promise<boolean> {
  if (!process.stdin.isTTY) {
    fail('deleting needs --yes where there is no terminal to ask; --dry-run shows what would be deleted', 2)
    return false
  }
  const asking = createInterface({ input: process.stdin, output: process.stderr })
  const names = places.map(({ name }) => name).join(', ')
  const answer = await asking
    .question(`Delete for good every dead letter that is meant, in ${names}? [y/N] `, { signal })
    .catch(() => '')
  asking.close()
  if (/^y(es)?$/i.test(answer.trim())) return true
  fail('nothing was deleted')
  return false
}

function conclude(tally: Tally, done: string, fail: Work['fail']): void {
  print(tally.text(done))
  if (!tally.isClean) fail(`not all were ${done}`)
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)

const letters = (count: number): string => `${count === 0 ? 'no' : count} dead letter${count > 1 ? 's' : ''}`

function time(written: string): number {
  const parsed = parseTime(written, Date.now())
  if (parsed !== undefined) return parsed
  throw new InvalidArgumentError('expected a time such as 2026-11-25 or 2026-11-25T14:00:00Z, or 2h (ago)')
}

function duration(written: string): number {
  const parsed = parseDuration(written)
  if (parsed) return parsed
  throw new InvalidArgumentError('expected a duration such as 30s or 5m')
}

function positive(written: string): number {
  if (/^[1-9]\d{0,8}$/.test(written)) return Number(written)
  throw new InvalidArgumentError('expected a whole number from 1')
}

function rate(written: string): number {
  const parsed = Number(written)
  if (parsed > 0 && Number.isFinite(parsed)) return parsed
  throw new InvalidArgumentError('expected a number above 0')
}
