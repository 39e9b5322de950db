import { Command, CommanderError, Option } from 'commander'
import { adapters } from './adapters/index.ts'
import { checkAddresses, checkRule, type Way, wayOf } from './bridge.ts'
import { jsonSchema } from './config/json-schema.ts'
import { type Loaded, type LoadOptions, load } from './config/load.ts'
import { printConfig } from './config/print.ts'
import { ConfigInvalid, formatPath, formatProblem } from './config/problem.ts'
import { checkLinks } from './connect.ts'
import { sentence } from './core/errors.ts'
import { suggest } from './core/suggest.ts'
import { deadLetterCommand } from './dead-letter/command.ts'
import { explainFile, explainPeeked, explanationJson } from './explain/explain.ts'
import { explanationText } from './explain/print.ts'
import { formats, reports } from './explain/reports.ts'
import { readyTests, runTests, type Tests } from './explain/run-tests.ts'

/** Exit codes: 0 well, 1 failed at run time, 2 wrong usage or configuration. */
export async function runCli(argv: readonly string[]): Promise<number> {
  let code = 0
  const program = new Command('sluice')
    .description('Carries messages between legacy brokers and Amazon SQS and SNS, and loses none.')
    .exitOverride()
  program
    .command('run')
    .description('run the bridge that FILE describes, until SIGTERM or Ctrl-C')
    .argument('<FILE>', 'configuration in YAML')
    .action(async (file: string) => {
      const loaded = await loadChecked(file)
      // It brings the admin server, which the other commands do not wait for.
      const { run } = await import('./run.ts')
      code = await run(loaded)
    })
  program
    .command('validate')
    .description('check FILE and say every mistake in it at once')
    .argument('<FILE>', 'configuration in YAML')
    .option('--connect', 'open every link once and say which work')
    .option('--print', 'show the effective configuration, passwords masked')
    .action(async (file: string, options: { connect?: true; print?: true }) => {
      code = await validate(await loadChecked(file), file, options)
    })
  program
    .command('explain')
    .description('show what becomes of a message: each rule, and what each target would be sent')
    .argument('<FILE>', 'configuration in YAML')
    .requiredOption('--route <NAME>', 'the route that the message comes to')
    .option('--message <FILE>', 'a message in YAML (docs/mapping.md), or a dead-letter record')
    .option('--peek', 'the first message that waits at the source, which stays there')
    .option('--json', 'for machines')
    .action(async (file: string, options: ExplainOptions) => {
      await explain(file, options)
    })
  program
    .command('test')
    .description('run the tests that are written in FILE; exits 1 when one fails')
    .argument('<FILE>', 'configuration in YAML')
    .option('--filter <TEXT>', 'only tests whose name holds this')
    .addOption(new Option('--format <FORMAT>', 'how to print').choices(formats).default('readable'))
    .action(async (file: string, options: { filter?: string; format: (typeof formats)[number] }) => {
      code = await test(await loadChecked(file, { standIns: true }), file, options)
    })
  program.addCommand(
    deadLetterCommand(
      async file => (await loadChecked(file)).config,
      exit => {
        code = exit
      },
    ),
  )
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .action(() => print(JSON.stringify(jsonSchema(adapters), null, 2)))
  try {
    await program.parseAsync(argv)
    return code
  } catch (error) {
    // Commander has printed its own message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(`${error instanceof ConfigInvalid ? error.message : sentence(error)}\n`)
    return error instanceof ConfigInvalid || error instanceof UsageError ? 2 : 1
  }
}

interface ExplainOptions {
  readonly route: string
  readonly message?: string
  readonly peek?: true
  readonly json?: true
}

async function explain(file: string, { route, message, peek, json }: ExplainOptions): Promise<void> {
  if ((message === undefined) === (peek === undefined))
    throw new UsageError('write either --message or --peek')
  const way = wayFor(await loadChecked(file, { standIns: peek === undefined }), route)
  const explanation = message === undefined ? await explainPeeked(way) : await explainFile(way, message)
  print(json ? explanationJson(explanation) : explanationText(explanation))
}

const testsOf = ({ config, place }: Loaded): Tests => ({
  written: config.tests,
  ways: new Map(config.routes.map(route => [route.name, wayOf(route, config)])),
  place,
})

async function test(
  loaded: Loaded,
  file: string,
  { filter, format }: { filter?: string; format: (typeof formats)[number] },
): Promise<number> {
  const done = await runTests(testsOf(loaded), filter)
  if (done.length === 0) {
    throw new UsageError(
      filter === undefined
        ? `${file} has no tests: write them under tests: (docs/mapping.md)`
        : `no name of a test in ${file} holds "${filter}"`,
    )
  }
  print(reports[format](done))
  return done.every(({ differences }) => differences.length === 0) ? 0 : 1
}

/** Throws for a route that is not there, with the nearest of those that are. */
function wayFor({ config }: Loaded, name: string): Way {
  const route = config.routes.find(r => r.name === name)
  if (route) return wayOf(route, config)
  const names = config.routes.map(r => r.name)
  throw new UsageError(
    `there is no route "${name}"${suggest(name, names) || `; there are ${names.join(', ')}`}`,
  )
}

/** Told wrongly what to do. */
class UsageError extends Error {}

async function loadChecked(file: string, options: LoadOptions = {}): Promise<Loaded> {
  const loaded = await load(file, { ...options, checkRule })
  const problems = loaded.place(checkAddresses(loaded.config))
  if (problems.length > 0) throw new ConfigInvalid(problems)
  return loaded
}

async function validate(
  loaded: Loaded,
  file: string,
  options: { connect?: true; print?: true },
): Promise<number> {
  readyTests(testsOf(loaded))
  for (const warning of loaded.warnings) process.stderr.write(`${formatProblem(warning)}\n`)
  if (options.print) print(printConfig(loaded).trimEnd())
  else
    print(
      `${file} is well: ${count(loaded.config.routes.length, 'route')}, ${count(loaded.config.connections.size, 'connection')}`,
    )
  if (!options.connect) return 0
  const checks = await checkLinks(loaded.config)
  for (const { path, error } of checks)
    print(
      `${error === undefined ? 'works ' : 'FAILS '} ${formatPath(path)}${error === undefined ? '' : `: ${error}`}`,
    )
  return checks.every(c => c.error === undefined) ? 0 : 1
}

const print = (text: string): void => void process.stdout.write(`${text}\n`)

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`
