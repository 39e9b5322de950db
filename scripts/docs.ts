import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { adapters } from '../src/adapters/index.ts'
import { duration, secret, size } from '../src/adapters/shared/options.ts'
import { createMetrics } from '../src/admin/metrics.ts'
import { rule } from '../src/config/mapping-schema.ts'
import { fileSchema } from '../src/config/schema.ts'
import type { Schema } from '../src/core/adapter.ts'
import { fidelityPage } from './fidelity.ts'

/**
 * Writes the pages of `docs/` that are made from the code: `configuration.md` from the schemas, `fidelity.md` from the table of
 * the matrix test and `metrics.md` from the metrics themselves. With `--check` it writes nothing, and exits 1 naming each page that is not what it would write.
 */
const top = join(import.meta.dirname, '..')

/** What is read of a JSON Schema. */
interface Json {
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly default?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly properties?: Readonly<Record<string, Json>>
  readonly required?: readonly string[]
  readonly items?: Json
  readonly additionalProperties?: Json | boolean
  readonly anyOf?: readonly Json[]
  /** Maps that one of their keys, a constant in each, tells apart. */
  readonly oneOf?: readonly Json[]
}

/** One key of the configuration. */
interface Row {
  readonly path: string
  readonly schema: Json
  readonly required: boolean
}

/** Every page by its path below the checkout. */
export async function pages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ['docs/configuration.md', configurationPage()],
    ['docs/fidelity.md', fidelityPage(made)],
    ['docs/metrics.md', await metricsPage()],
  ])
}

/** The pages in `folder` that are not what they should be, or not there. */
export function stale(all: ReadonlyMap<string, string>, folder: string): readonly string[] {
  const found = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined)
  return [...all].filter(([path, text]) => found(join(folder, path)) !== text).map(([path]) => path)
}

function configurationPage(): string {
  const { defaults, routes, connections: _, ...others } = convert(fileSchema).properties ?? {}
  const route = typeof routes?.additionalProperties === 'object' ? routes.additionalProperties : {}
  const added = ['mapping', 'from', 'targets']
  const shared = Object.keys(defaults?.properties ?? {}).filter(key => !added.includes(key))
  const own = Object.fromEntries(
    Object.entries(route.properties ?? {}).filter(([key]) => !shared.includes(key)),
  )
  return [
    '# Configuration',
    made,
    intro,
    '## The file',
    table([
      ...rows({ properties: others }),
      { path: 'defaults', schema: { ...defaults, properties: {} }, required: false },
      { path: 'connections.NAME', schema: { type: 'object', description: connectionText }, required: true },
      { path: 'routes.NAME', schema: { type: 'object', description: 'a route, see below' }, required: true },
    ]),
    '## A route',
    table(rows({ properties: own, required: ['from', 'targets'] })),
    routeText,
    '## Rules of a mapping',
    ruleText,
    table(rows(convert(rule))),
    '## defaults',
    table(rows(defaults ?? {})),
    deadLetterText,
    '## Many routes',
    manyText,
    ...adapters.flatMap(adapterSection),
    '',
  ].join('\n\n')
}

function adapterSection({ protocol, connection, source, sink, inline }: (typeof adapters)[number]): string[] {
  const example = readFileSync(join(top, `docs/examples/${protocol}.yaml`), 'utf8')
  const [, title, yaml] = /^# (.*)\n([\s\S]*)$/.exec(example) ?? []
  if (!title || !yaml)
    throw new Error(`docs/examples/${protocol}.yaml begins with a comment that is its title`)
  const part = (name: string, keys: readonly Row[]) =>
    keys.length === 0 ? [] : [`### ${protocol}: ${name}`, table(keys)]
  const where =
    inline === undefined ? 'a target' : `an entry of \`dead_letter\`, written \`${protocol}: PATH\``
  return [
    `## ${protocol}`,
    `${title}`,
    `\`\`\`yaml\n${yaml.trim()}\n\`\`\``,
    ...part('the connection', rows(convert(connection))),
    ...(source ? part('as a source, under `from`', rows(convert(source.options))) : []),
    ...(sink ? part(`as ${where}`, rows(convert(sink.options))) : []),
  ]
}

/** Every key of a schema, those of maps and lists inside it too, in the order in which they are declared. */
function rows({ properties = {}, required = [] }: Json, above = ''): readonly Row[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const path = above + key
    const row = { path, schema, required: required.includes(key) && schema.default === undefined }
    return [row, ...(key === 'mapping' ? [] : inner(schema, path))]
  })
}

function inner(schema: Json, path: string): readonly Row[] {
  if (schema.properties) return rows(schema, `${path}.`)
  if (schema.oneOf) return formRows(schema.oneOf, `${path}.`)
  const { items, additionalProperties: values } = schema
  if (typeof values === 'object' && values.properties) return rows(values, `${path}.NAME.`)
  const options = items?.anyOf ?? (items ? [items] : [])
  const [only, ...others] = options
  if (only && others.length === 0) return rows(only, `${path}[].`)
  return options.flatMap(option => rows({ properties: option.properties ?? {} }, `${path}[].`))
}

/** The keys of maps that one key tells apart; what only some have, or have in their own way, says which. */
function formRows(forms: readonly Json[], above: string): readonly Row[] {
  const keys = [...new Set(forms.flatMap(({ properties }) => Object.keys(properties ?? {})))]
  const kind = keys.find(key => forms.every(f => f.properties?.[key]?.const !== undefined))
  if (kind === undefined) throw new Error('a choice without the key that tells its forms apart')
  return keys.flatMap(key => {
    if (key === kind) {
      const kinds = forms.map(f => f.properties![kind]!.const)
      return [{ path: above + key, schema: { enum: kinds }, required: true }]
    }
    const alike = Map.groupBy(
      forms.filter(f => f.properties?.[key]),
      f => JSON.stringify([f.properties![key], f.required?.includes(key)]),
    )
    return Array.from(alike.values(), having => {
      const kinds = having.map(f => `\`${f.properties![kind]!.const}\``)
      const among = having.length === forms.length ? '' : `with ${oneOf(kinds)}: `
      const schema = having[0]!.properties![key]!
      const described = { ...schema, description: `${among}${schema.description ?? ''}`.trim() }
      return rows({ properties: { [key]: described }, required: having[0]!.required ?? [] }, above)
    }).flat()
  })
}

const table = (keys: readonly Row[]): string =>
  [
    '| key | what to write | default | |',
    '| --- | --- | --- | --- |',
    ...keys.map(row => `| \`${row.path}\` | ${typeText(row.schema)} | ${defaultText(row)} | ${cell(row)} |`),
  ].join('\n')

const cell = ({ schema }: Row): string => (schema.description ?? '').replaceAll('|', '\\|')

function defaultText({ schema, required }: Row): string {
  if (required) return 'required'
  const { default: value, properties } = schema
  if (value === undefined || properties) return ''
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
}

/** What people write for a value of the schema. */
function typeText(schema: Json): string {
  const { type, format, anyOf, items, properties, additionalProperties: values } = schema
  if (format?.startsWith('as: ')) return format.slice(4)
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (schema.enum) return oneOf(schema.enum.map(v => `\`${v}\``))
  if (Array.isArray(type)) return oneOf(type.flatMap(t => (t === 'boolean' ? flags : typeText({ type: t }))))
  if (anyOf?.every(o => !o.properties)) return oneOf(anyOf.map(typeText))
  if (type === 'array') return `list of ${items?.format?.startsWith('as: ') ? typeText(items) : nouns(items)}`
  if (type === 'object' || properties || schema.oneOf)
    return typeof values === 'object' && !properties ? 'map by name' : 'map'
  if (type === 'boolean') return oneOf(flags)
  if (type === 'integer' || type === 'number') return numberText(schema)
  return format === 'uri' ? 'URL' : 'text'
}

const flags = ['`true`', '`false`']

/** `a, b or c`. */
const oneOf = (choices: readonly string[]): string => choices.join(', ').replace(/, ([^,]*)$/, ' or $1')

function nouns(items: Json | undefined): string {
  if (items?.anyOf?.some(option => option.type === 'string')) return 'texts or maps'
  return items?.properties || items?.anyOf ? 'maps' : 'texts'
}

function numberText({ type, minimum, maximum, exclusiveMinimum }: Json): string {
  const bounds = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? [] : [`from ${minimum}`]),
    ...(maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER ? [] : [`up to ${maximum}`]),
  ]
  return [type === 'integer' ? 'whole number' : 'number', ...bounds].join(' ')
}

/** The JSON Schema of what people write, which knows only texts where the schema knows durations: those are told apart here. */
const convert = (schema: Schema<unknown>): Json =>
  z.toJSONSchema(schema as unknown as z.ZodType, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const written = writtenAs(zodSchema as unknown as z.ZodType)
      if (written !== undefined) jsonSchema.format = `as: ${written}`
    },
  }) as Json

function writtenAs(schema: z.ZodType): string | undefined {
  if (!(schema instanceof z.ZodCodec)) return undefined
  const is = (codec: z.ZodCodec) => schema.def.transform === codec.def.transform
  if (is(duration)) return 'duration'
  if (is(size)) return 'size'
  if (is(secret)) return 'text, best `${env:…}` or `${file:…}`'
  return urlText(schema)
}

/** Schemes and their ports, from what the codec says that it expects and what it makes of each. */
function urlText(codec: z.ZodCodec): string | undefined {
  const said = z.safeDecode(codec, '').error?.issues[0]?.message ?? ''
  const urls = Array.from(said.matchAll(/\S+:\/\/host/g), ([url]) => {
    const { port, tls } = z.decode(codec, url) as { port: number; tls: boolean }
    return `\`${url.replace('host', 'HOST')}\` (port ${port}${tls ? ', TLS' : ''})`
  })
  return urls.length === 0 ? undefined : `URLs: ${urls.join(', ')}`
}

async function metricsPage(): Promise<string> {
  const { registry } = createMetrics(new Map(), () => new Map())
  const metrics = registry.getMetricsAsArray() as unknown as readonly {
    name: string
    type: string
    help: string
    labelNames: readonly string[]
  }[]
  const lines = metrics
    .filter(({ name }) => name.startsWith('sluice_'))
    .map(({ name, type, labelNames, help }) => {
      return `| \`${name}\` | ${type} | ${labelNames.map(l => `\`${l}\``).join(', ')} | ${help} |`
    })
  registry.clear()
  return [
    '# Metrics',
    made,
    metricsText,
    ['| metric | kind | labels | |', '| --- | --- | --- | --- |', ...lines].join('\n'),
    labelText,
    '',
  ].join('\n\n')
}

const made = '<!-- Made by `npm run docs` from the code. Do not edit. -->'
const connectionText = 'a broker or cloud: `protocol`, and the keys of that protocol below'

const intro = `One YAML file describes connections and routes. A key that nobody knows is an error. \`sluice validate FILE\` says every
mistake at once, and \`sluice schema\` prints a JSON Schema for editors.

- **Durations** are written \`200ms\`, \`30s\`, \`5m\`, \`12h\` or \`7d\`; **sizes** \`300B\`, \`256KiB\`, \`64MiB\` or \`1.5MB\`.
- \`\${env:NAME}\` and \`\${file:PATH}\` are replaced when the file is loaded, anywhere in a text. They give text, so a number
  or \`true\` cannot come from there.
- Any other \`\${…}\` is an expression over one message (JSONata): in the values of \`set\`, in the addresses of \`route\` and of targets,
  in the key of \`lookup\`. One that stands alone keeps its type, others become text. It sees \`address\`, \`body\` (a JSON body as
  what it holds, others as text), \`headers\`, \`properties\` (\`message_id\`, \`correlation_id\`, \`reply_to\`, \`group_id\`,
  \`subject\`, \`content_type\`, …), and what the rules before it have found: \`captures\` (\`match\`) and \`lookup\`. One that meets
  something missing refuses the message, which becomes a dead letter.
- Names of connections, routes and targets are letters, digits, \`_\`, \`-\` and \`.\`.`

const routeText = `A route also has the keys \`retry\`, \`breaker\`, \`buffer\` and \`dead_letter\` of \`defaults\`, which follow. What it does
not write it takes from there, key by key; its \`dead_letter\` list replaces that of \`defaults\` as a whole.`

const manyText = `Three things keep many routes short. \`sluice validate FILE --print\` shows what comes of them, as one file.

**\`include\`** adds the \`connections\`, \`routes\` and \`tests\` of other files; everything else stands in the file that includes, and
included files include no others. Files that rules and tests name are looked for beside the file that the rule or test is
written in. A pattern is relative to the folder of that file; \`*\` is any name that does not begin with a dot, \`**\`
any folders. Files are read in the order of their names. A pattern that matches nothing is a mistake, and so is a name that
is there twice.

**\`defaults\`** has what routes have in common. The rules of \`defaults.mapping\` come before those of each route, and count first in
what is said of a rule by its number. \`defaults.from\` and \`defaults.targets\` have keys of a protocol, by connection: an end on that
connection has them unless it writes them itself, a key as a whole. Places for dead letters do not.

**\`for_each\`** makes one route for each item, a text or a map. \`\${item}\`, or \`\${item.key}\` of a map, stands for it in the name, which
must come out different for each, and in all texts of the route. It is replaced when the file is loaded, as text and before
anything else is read, inside of expressions and of \`\${env:…}\` too; one that is a whole text keeps its kind, so that a number, a
list or a map can come from an item. The name \`item\` is therefore taken: it is no part of the message in expressions.

\`\`\`yaml
${readFileSync(join(top, 'docs/examples/many.yaml'), 'utf8').trim()}
\`\`\`

Anchors and merge keys of YAML (\`&name\`, \`*name\`, \`<<: *name\`) work as well, within one file. [config/routes/many.yaml](../config/routes/many.yaml) is
an example with all of this.

Routes on one connection share it as far as the protocol lets them. AMQP 0-9-1 has one connection for all sources and one for
all targets. AMQP 1.0 has one for both; on RabbitMQ 4, which takes 64 sessions on a connection, one for every 32 links. Of AMQP
1.0 a route with a durable \`subscription\` has its own, because the broker files the subscription under the name of the
connection. All clients of AWS share sockets and credentials; a call in flight needs a socket of its own, a long poll of an SQS
source too. In MQTT and STOMP each link is a connection of its own: there the session,
the heartbeat and what a broker does to a slow reader belong to the connection, and one route must not hold up another.`

const ruleText = `Each entry of a \`mapping\` has exactly one of these keys. The rules of a route are applied in the order of the list, then
those of each target to what goes to this target. A message that a rule drops is done with there; one that a rule refuses becomes a
dead letter, with the rule in its reason: \`rule 2 (set): …\`.`

const deadLetterText = `\`dead_letter\` is needed, here or on each route. Each entry is a target (\`connection\` and the keys of its protocol),
\`broker: true\` (the source's own dead letter, where its protocol can reject a message), or one of these, which need no
connection: ${adapters
  .filter(a => a.inline !== undefined)
  .map(a => `\`${a.protocol}: VALUE\``)
  .join(', ')}.`

const metricsText = `\`/metrics\` serves these in the text format of Prometheus, on \`admin.host\` and \`admin.port\`. Beside them are the metrics
of the process and of Node.js that prom-client collects (\`process_…\`, \`nodejs_…\`). A histogram has the series
\`…_bucket\`, \`…_sum\` and \`…_count\`.`

const labelText = `Labels are \`route\`, the route's name; \`protocol\`, that of its source; \`target\`, the target's name, empty where the route's
mapping was at work; \`link\`, which is \`source\`, a target's name, or \`dead letter\` with the place; \`kind\`, why a send failed:
\`refused\` (the message is at fault), \`throttled\` (too much at a
time), \`unavailable\` (the target is), \`link_lost\` or \`unexpected\`; \`outcome\`,
\`accepted\` or \`rejected\`; \`reason\`, why a message without guarantee was let go.`

if (import.meta.main) {
  const all = await pages()
  const old = stale(all, top)
  if (process.argv.includes('--check')) {
    for (const path of old) process.stderr.write(`${path} is stale: run npm run docs\n`)
    process.exitCode = old.length === 0 ? 0 : 1
  } else {
    for (const path of old) await writeFile(join(top, path), all.get(path)!)
    process.stdout.write(old.length === 0 ? 'nothing has changed\n' : `written: ${old.join(', ')}\n`)
  }
}
