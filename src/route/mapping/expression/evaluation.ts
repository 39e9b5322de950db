import type jsonata from 'jsonata'
import { MessageRefused } from '../../../core/errors.ts'
import { suggest } from '../../../core/suggest.ts'
import type { Mapped } from '../step.ts'
import { addFunctions } from './functions.ts'
import { LargeInteger } from './large-integer.ts'
import { maxItems } from './limits.ts'
import { LinearRegExp } from './linear-regexp.ts'
import { readable } from './reading.ts'
import { allRoots, rootsOf, strangeName } from './roots.ts'
import { timeLimit } from './stopwatch.ts'
import { ExpressionInvalid, parse, type Syntax } from './syntax.ts'

/** Parts of an expression that may be under way at once: calls within calls, and the fields of one constructor. */
const maxCalls = 5_000

export interface Evaluation {
  readonly syntax: Syntax
  /** What JSONata makes of it: no list of more than `maxItems`, within `timeLimit`. Throws MessageRefused. */
  readonly evaluate: (message: Mapped) => Promise<unknown>
}

/** Compiles with JSONata. Throws ExpressionInvalid. */
export function compileJsonata(source: string): Evaluation {
  const expression = parse(source, {
    timeout: timeLimit,
    stack: maxCalls,
    sequence: maxItems,
    RegexEngine: LinearRegExp as unknown as RegExpConstructor,
  })
  const syntax = expression.ast() as Syntax
  const strange = strangeName(syntax)
  if (strange) throw unknownName(strange, source)
  const roots = rootsOf(syntax)
  let isReady = false
  const evaluate = async (message: Mapped): Promise<unknown> => {
    // Most expressions never come here.
    if (!isReady) addFunctions(expression)
    isReady = true
    try {
      return await inTurn(() => onceMore(expression, () => readable(message, roots)))
    } catch (cause) {
      const options = cause instanceof Error ? { cause } : {}
      throw new MessageRefused(`evaluating "${shortened(source)}": ${reason(cause as Thrown)}`, options)
    }
  }
  return { syntax, evaluate }
}

function unknownName({ value, position = 0 }: Syntax, source: string): ExpressionInvalid {
  const name = String(value)
  const meant = suggest(name, allRoots) || `; expressions see ${allRoots.join(', ')}`
  return new ExpressionInvalid(
    `there is no "${name}"${meant}`,
    Math.max(0, source.lastIndexOf(name, position - name.length)),
  )
}

let last: Promise<unknown> = Promise.resolve()

/** One at a time for all routes: JSONata waits for nothing outside of it, and its clock would run while the others compute. */
function inTurn<T>(evaluate: () => Promise<T>): Promise<T> {
  const mine = last.then(evaluate)
  last = mine.catch(() => {})
  return mine
}

/** JSONata's clock runs on while this process is stopped; what really takes long does so twice. */
async function onceMore(expression: jsonata.Expression, input: () => object): Promise<unknown> {
  try {
    return await expression.evaluate(input())
  } catch (error) {
    if ((error as Thrown).code !== 'D1012') throw error
    return expression.evaluate(input())
  }
}

const shortened = (source: string): string => (source.length > 120 ? `${source.slice(0, 117)}...` : source)

/** JSONata throws plain objects. */
type Thrown = Partial<Pick<jsonata.JsonataError, 'code' | 'message' | 'token'>> & { readonly value?: unknown }

function reason({ code = '', message = 'failed', token, value }: Thrown): string {
  const large = [value].flat().find(item => item instanceof LargeInteger)
  if (large && /^(T2001|T2002|T2008|T2010|D1002|T041\d)$/.test(code)) {
    const what = /^T041/.test(code) ? `$${token}` : `the operator ${token ?? '^'}`
    return `${what} would round ${large.integer}, an integer past 2^53; it can be passed on, compared with = and made text with $string`
  }
  return limits[code] ?? message
}

const limits: Readonly<Record<string, string>> = {
  D1011: `it goes more than ${maxCalls} calls deep: does a function call itself without end?`,
  D1012: `it takes longer than ${timeLimit} ms: does a function call itself without end, or is there too much to do for one message?`,
  D2014: `it makes a list of more than ${maxItems} items`,
  D2015: `it makes a list of more than ${maxItems} items`,
}
