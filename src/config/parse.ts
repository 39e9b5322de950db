import type { z } from 'zod'
import type { Schema } from '../core/adapter.ts'
import { suggest } from '../core/suggest.ts'
import type { Problem } from './problem.ts'

type Path = readonly (string | number)[]
type Issue = z.core.$ZodIssue

/** The parsed value, or undefined when there were problems; those are added to `problems`, with paths below `path`. */
export function parse<T>(schema: Schema<T>, value: unknown, path: Path, problems: Problem[]): T | undefined {
  const zod = schema as unknown as z.ZodType<T>
  const result = zod.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  for (const issue of result.error.issues) {
    problems.push(...describe({ ...issue, input: written(issue, value) } as Issue, path, zod))
  }
  return undefined
}

/** Durations and sizes as people wrote them, where a bound was checked on what they mean. */
function written({ input, path }: Issue, value: unknown): unknown {
  if (typeof input !== 'number') return input
  const raw = path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    value,
  )
  return typeof raw === 'string' ? raw : input
}

function describe(issue: Issue, base: Path, schema: z.ZodType): readonly Problem[] {
  const path: Path = [...base, ...(issue.path as (string | number)[])]
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path as Path)
    return issue.keys.map(key => ({
      path: [...path, key],
      atKey: true,
      text: `unknown key${suggest(key, known) || (known.length > 0 ? `; expected one of ${known.join(', ')}` : '')}`,
    }))
  }
  if (issue.code === 'invalid_key')
    return [{ path, atKey: true, text: `${expectation(issue)}, found "${path.at(-1)}"` }]
  if (issue.code === 'invalid_union' && issue.discriminator !== undefined) {
    const { discriminator, input } = issue
    // zod 4.6 says them and does not declare them.
    const values = (issue as { readonly options?: readonly string[] }).options ?? []
    return [{ path, text: ofForms(values, (input as Record<string, unknown> | undefined)?.[discriminator]) }]
  }
  const union = issue.code === 'invalid_union' ? nearest(issue) : undefined
  if (union)
    return union.flatMap(inner => describe({ ...inner, path: [...issue.path, ...inner.path] }, base, schema))
  if (issue.code === 'custom' && !issue.message.startsWith('expected')) return [{ path, text: issue.message }]
  if (issue.code === 'invalid_type' && issue.input === undefined) {
    return [{ path, text: `missing; ${expectation(issue)}` }]
  }
  return [{ path, text: `${expectation(issue)}, found ${show(issue.input, path)}` }]
}

/** The value that tells the forms of a map apart is not there, or none of theirs. */
function ofForms(values: readonly string[], found: unknown): string {
  const expected = `expected ${values.map(v => JSON.stringify(v)).join(' or ')}`
  if (found === undefined) return `missing; ${expected}`
  return `${expected}, found ${show(found, [])}${suggest(String(found), values)}`
}

/** The branch of a union that was meant: the only one that failed deeper than at its own top. */
function nearest(issue: z.core.$ZodIssueInvalidUnion): readonly Issue[] | undefined {
  const deep = issue.errors.filter(branch => branch.every(e => e.path.length > 0))
  return deep.length === 1 ? deep[0] : undefined
}

const kinds: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a map of keys',
  record: 'a map of names',
  array: 'a list',
}

function expectation(issue: Issue): string {
  // Words of the schema's own.
  if (issue.message.startsWith('expected')) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${kinds[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `expected ${issue.values.map(v => JSON.stringify(v)).join(' or ')}`
    case 'too_small':
      return issue.origin === 'array' ? 'expected at least one entry' : `expected at least ${issue.minimum}`
    case 'too_big':
      return `expected at most ${issue.maximum}`
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message
    default:
      return issue.message
  }
}

const secretKey = /password|secret|token|passphrase/i

/** A found value, without what may be credentials. */
function show(value: unknown, path: Path): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a map'
  if (path.some(step => typeof step === 'string' && secretKey.test(step)))
    return `a ${typeof value} (not shown)`
  // JSON has no infinity, which YAML reads 1e400 as.
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing')
  return text.replace(/\/\/.*@/s, '//***@')
}

interface Def {
  readonly type: string
  readonly shape?: Record<string, z.ZodType>
  readonly valueType?: z.ZodType
  readonly element?: z.ZodType
  readonly innerType?: z.ZodType
  readonly in?: z.ZodType
  readonly options?: readonly z.ZodType[]
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.ZodType, path: Path): readonly string[] {
  const def = schema.def as unknown as Def
  if (def.innerType) return keysAt(def.innerType, path)
  if (def.type === 'pipe' && def.in) return keysAt(def.in, path)
  if (def.options) return def.options.flatMap(option => keysAt(option, path))
  const [step, ...rest] = path
  if (step === undefined) return Object.keys(def.shape ?? {})
  const next = def.shape?.[String(step)] ?? def.valueType ?? def.element
  return next ? keysAt(next, rest) : []
}
