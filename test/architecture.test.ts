import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { builtinModules, isBuiltin } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import { adapters } from '../src/adapters/index.ts'

const src = join(import.meta.dirname, '../src')

const packageOf = (from: string): string =>
  from.startsWith('@') ? from.split('/').slice(0, 2).join('/') : from.replace(/^node:/, '').split('/')[0]!

interface Import {
  /** `route/route.ts`, or the name of a package. */
  readonly to: string
  readonly isPackage: boolean
  /** Nothing of it is there at run time. */
  readonly isType: boolean
}

interface Source {
  readonly file: string
  readonly lines: number
  /** The text without its comments. */
  readonly code: string
  readonly imports: readonly Import[]
}

const sources: readonly Source[] = globSync('**/*.ts', { cwd: src })
  .sort()
  .map(file => {
    const text = readFileSync(join(src, file), 'utf8')
    const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '')
    return { file, lines: text.split('\n').length - 1, code, imports: importsOf(file, code) }
  })

function importsOf(file: string, code: string): readonly Import[] {
  const written = [
    ...code.matchAll(/^(?:import|export)\s([^'";]*?)\bfrom '([^']+)'/gm),
    ...code.matchAll(/^(import) '([^']+)'/gm),
    ...code.matchAll(/\b(import)\('([^']+)'\)/g),
  ]
  return written.map(([, names = '', from = '']) => {
    const isPackage = !from.startsWith('.')
    const each = /\{([\s\S]*)\}/
      .exec(names)?.[1]
      ?.split(',')
      .filter(n => n.trim() !== '') ?? ['']
    const isType = names.startsWith('type ') || each.every(name => /^\s*type\s/.test(name))
    return { isPackage, isType, to: isPackage ? packageOf(from) : join(dirname(file), from) }
  })
}

/**
 * What the files of a room may import beside those of the same room: a room (a folder), or a file. A room's adapter is
 * `adapters/*`. `types` may be imported as types only.
 */
interface Room {
  readonly may: readonly string[]
  readonly types?: readonly string[]
  /** Packages beside Node's own; client libraries have a rule of their own. */
  readonly packages?: readonly string[]
}

const rooms: Readonly<Record<string, Room>> = {
  core: { may: [] },
  route: {
    may: ['core'],
    packages: ['ajv', 'ajv-formats', 'iconv-lite', 'jsonata', 'opossum', 're2js', 'saxes'],
  },
  'adapters/shared': { may: ['core'], packages: ['zod'] },
  'adapters/index.ts': { may: ['core', 'adapters/*/index.ts'] },
  'adapters/*': { may: ['core', 'adapters/shared'], packages: ['zod'] },
  config: {
    may: ['core', 'adapters/index.ts', 'adapters/shared/options.ts'],
    packages: ['yaml', 'zod'],
  },
  admin: {
    may: ['core'],
    types: ['bridge.ts'],
    packages: ['fastify', 'pino', 'pino-pretty', 'prom-client'],
  },
  'bridge.ts': { may: ['core', 'route', 'adapters/index.ts', 'config'] },
  explain: { may: ['core', 'config', 'route/dead-letter/record.ts'], types: ['bridge.ts'] },
  'dead-letter': {
    may: ['core', 'config', 'explain', 'bridge.ts', 'route/dead-letter/record.ts'],
    packages: ['commander'],
  },
  'connect.ts': { may: ['core', 'config'] },
  'run.ts': { may: ['core', 'config', 'admin', 'bridge.ts'] },
  'cli.ts': {
    may: [
      'core',
      'config',
      'adapters/index.ts',
      'bridge.ts',
      'connect.ts',
      'dead-letter',
      'explain',
      'run.ts',
    ],
    packages: ['commander'],
  },
  'main.ts': { may: ['cli.ts'] },
}

/** `a/*` stands for any folder below a; a room holds all that lies below it. */
const lies = (file: string, room: string): boolean =>
  new RegExp(`^${room.replaceAll('.', '\\.').replace('*', '[^/]+')}(/|$)`).test(file)

/** The first room of the table that the file lies in: `adapters/shared` stands before `adapters/*`. */
const roomOf = (file: string): string | undefined => Object.keys(rooms).find(room => lies(file, room))

/** Two adapters are two rooms. */
const nearest = (file: string): string =>
  roomOf(file) === 'adapters/*' ? file.split('/').slice(0, 2).join('/') : roomOf(file)!

const isAllowed = (room: Room, file: string, { to, isType }: Import): boolean =>
  lies(to, nearest(file)) ||
  room.may.some(may => lies(to, may)) ||
  (isType && (room.types?.some(may => lies(to, may)) ?? false))

/** Folders of adapters with the name of a protocol; those of AWS have their common parts in shared/aws. */
const homesOf = (protocol: string): readonly string[] => [
  `adapters/${protocol}`,
  'adapters/index.ts',
  ...(['sqs', 'sns', 's3'].includes(protocol) ? ['adapters/shared/aws'] : []),
]

/** A word that begins with the protocol; where that is an ordinary word of English, a text that is it. */
const named = (protocol: string): RegExp =>
  ['memory', 'folder'].includes(protocol)
    ? new RegExp(`['"\`]${protocol}['"\`]`)
    : new RegExp(`(?<![A-Za-z0-9])${protocol}`)

/** A name by its words: `SqsSinkOptions` is sqs, sink, options. */
const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z\d]+/)

/** Names that the code gives: of files, types, functions, constants, methods and private fields. */
function namesIn({ file, code }: Source): readonly string[] {
  const declared =
    /\b(?:class|interface|type|function|const|let)\s+([A-Za-z_$][\w$]*)|#([\w$]+)|^ {2}(?:async |get |static )*([a-z][\w$]*)\(/gm
  return [file, ...Array.from(code.matchAll(declared), ([, a, b, c]) => a ?? b ?? c ?? '')]
}

const forbidden = ['envelope', 'payload', 'manager', 'handler', 'helper', 'util', 'utils', 'base', 'abstract']

describe('the rooms of src', () => {
  it('has no file outside the rooms', () => {
    assert.deepEqual(
      sources.map(s => s.file).filter(file => roomOf(file) === undefined),
      [],
    )
  })

  it('imports only what the table of rooms allows', () => {
    const wrong = sources.flatMap(({ file, imports }) =>
      imports
        .filter(i => !i.isPackage && !isAllowed(rooms[roomOf(file)!]!, file, i))
        .map(({ to, isType }) => `${file} imports ${isType ? 'types of ' : ''}${to}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('uses a package only in the room that it belongs to, and a client library in one folder', () => {
    const homes = new Map<string, string>()
    const wrong = sources.flatMap(({ file, imports }) =>
      imports.flatMap(({ to, isPackage }) => {
        if (!isPackage || builtinModules.includes(to) || isBuiltin(`node:${to}`)) return []
        const room = roomOf(file)!
        if (rooms[room]?.packages?.includes(to)) return []
        const isAdapter = room === 'adapters/*' || room === 'adapters/shared'
        const home = homes.get(to) ?? nearest(file)
        homes.set(to, home)
        return isAdapter && home === nearest(file) ? [] : [`${file} imports ${to}`]
      }),
    )
    assert.deepEqual(wrong, [])
  })

  it('does no I/O in core: it imports nothing, not of Node either', () => {
    const packages = sources
      .filter(s => lies(s.file, 'core'))
      .flatMap(s => s.imports.filter(i => i.isPackage))
    assert.deepEqual(packages, [])
  })

  it('names a protocol in its own folder and the list only', () => {
    const wrong = sources.flatMap(({ file, code }) =>
      adapters
        .filter(({ protocol }) => !homesOf(protocol).some(home => lies(file, home)))
        .filter(({ protocol }) => named(protocol).test(code))
        .map(({ protocol }) => `${file} names ${protocol}`),
    )
    assert.deepEqual(wrong, [])
  })

  it('gives every protocol a folder whose index exports it', () => {
    const folders = globSync('adapters/*/index.ts', { cwd: src }).map(file => file.split('/')[1]!)
    assert.deepEqual(folders.sort(), adapters.map(a => a.protocol).sort())
  })
})

describe('the order of the stages', () => {
  const stages = ['intake.ts', 'mapping/mapping.ts', 'target.ts', 'dead-letter/dead-letters.ts'].map(
    stage => `route/${stage}`,
  )

  /** A stage that none else can call is put in order by none else. Compiling a mapping calls none of it. */
  it('is known to route.ts alone, beside the list of those before the targets: nothing else has a stage at run time', () => {
    const users = sources.flatMap(({ file, imports }) =>
      imports.filter(({ to, isType }) => stages.includes(to) && !isType).map(({ to }) => `${file} → ${to}`),
    )
    // A disk buffer has an intake of its own, before the route.
    const allowed = ['bridge.ts → route/mapping/mapping.ts', 'route/disk/feeder.ts → route/intake.ts']
    assert.deepEqual(
      users.filter(use => !use.startsWith('route/route.ts') && !allowed.includes(use)),
      [],
    )
    const made = stages
      .filter(stage => stage !== 'route/mapping/mapping.ts')
      .map(s => `route/route.ts → ${s}`)
    assert.deepEqual(users.filter(use => use.startsWith('route/route.ts')).sort(), made.sort())
  })

  it('is hidden from the rest, which sees route.ts and the parts that it is given', () => {
    const seen = sources
      .filter(({ file }) => !lies(file, 'route'))
      .flatMap(({ imports }) => imports.filter(({ to, isType }) => lies(to, 'route') && !isType))
      .map(({ to }) => to)
    assert.deepEqual([...new Set(seen)].sort(), [
      'route/dead-letter/record.ts',
      'route/delivery-id.ts',
      'route/disk/buffered-route.ts',
      'route/mapping/address.ts',
      'route/mapping/mapping.ts',
      'route/mapping/mistakes.ts',
      'route/pressure.ts',
      'route/redrive.ts',
      'route/reply/replies.ts',
      'route/reply/requests.ts',
      'route/route.ts',
      'route/stages.ts',
      'route/trail.ts',
    ])
  })
})

describe('the files of src', () => {
  it('have at most 250 lines', () => {
    assert.deepEqual(
      sources.filter(s => s.lines > 250).map(({ file, lines }) => `${file} has ${lines}`),
      [],
    )
  })

  it('use the words of the field in their names', () => {
    const wrong = sources.flatMap(source =>
      namesIn(source)
        .filter(name => wordsOf(name).some(word => forbidden.includes(word)))
        .map(name => `${source.file}: ${name}`),
    )
    assert.deepEqual(wrong, [])
  })
})
