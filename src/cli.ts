import { Command, CommanderError } from 'commander'
import { adapters } from './adapters/index.ts'
import { checkMappings } from './bridge.ts'
import { jsonSchema } from './config/json-schema.ts'
import { type Loaded, load } from './config/load.ts'
import { printConfig } from './config/print.ts'
import { ConfigInvalid, formatPath, formatProblem } from './config/problem.ts'
import { checkLinks } from './connect.ts'
import { sentence } from './core/errors.ts'
import { run } from './run.ts'

/** Exit codes: 0 well, 1 failed at run time, 2 wrong usage or configuration. */
export async function runCli(argv: readonly string[]): Promise<number> {
  let code = 0
  const program = new Command('sluice')
    .description('Carries messages from legacy brokers to Amazon SQS and SNS, and loses none.')
    .exitOverride()
  program
    .command('run')
    .description('run the bridge that FILE describes, until SIGTERM or Ctrl-C')
    .argument('<FILE>', 'configuration in YAML')
    .action(async (file: string) => {
      code = await run(await loadChecked(file))
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
    return error instanceof ConfigInvalid ? 2 : 1
  }
}

async function loadChecked(file: string): Promise<Loaded> {
  const loaded = await load(file)
  const problems = loaded.place(checkMappings(loaded.config))
  if (problems.length > 0) throw new ConfigInvalid(problems)
  return loaded
}

async function validate(
  loaded: Loaded,
  file: string,
  options: { connect?: true; print?: true },
): Promise<number> {
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
