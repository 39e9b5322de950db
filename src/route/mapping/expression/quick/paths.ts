import type { Plain } from '../plain.ts'
import { type Answer, plainReader, unsure } from '../reading.ts'
import type { Syntax } from '../syntax.ts'
import { type Compile, type Frame, hasOnly, isVariable, ofItems, type Quick, type Scope } from './frame.ts'
import { quickGroups } from './objects.ts'
import { at, each, ended, filtered, listOf, named, type Step, sequence, sorted, walked } from './sequence.ts'

/** What a path goes through: steps from a list of items. */
type Walk = (context: Plain | undefined, frame: Frame) => readonly Plain[] | typeof unsure

export function quickPath(syntax: Syntax, scope: Scope, compile: Compile): Quick | undefined {
  if (!hasOnly(syntax, 'steps', 'group')) return undefined
  const { group } = syntax
  const steps = fromRoot(syntax.steps!, scope)
  const walk = steps ? inMessage(steps, scope, compile) : inContext(syntax.steps!, scope, compile)
  if (!walk) return undefined
  if (group) {
    const gather = quickGroups(group, ofItems(scope), compile)
    return gather && ((context, frame) => gatheredFrom(walk(context, frame), list => gather(list, frame)))
  }
  const names = steps?.map(nameOf)
  const straight = names && isNames(names) ? plainReader(names) : undefined
  return (context, frame) => {
    const answer = straight ? straight(frame.message) : unsure
    if (answer !== unsure) return answer
    const list = walk(context, frame)
    return list === unsure ? unsure : ended(list)
  }
}

/** JSONata has its own ways with groups of nothing. */
const gatheredFrom = (list: ReturnType<Walk>, gather: (list: readonly Plain[]) => Answer): Answer =>
  list === unsure || list.length === 0 ? unsure : gather(list)

/** The steps of a path that begins at the message. */
function fromRoot([first, ...rest]: readonly Syntax[], { isMessage }: Scope): readonly Syntax[] | undefined {
  if (isVariable(first) && (first.value === '$' || (isMessage && first.value === ''))) return rest
  return isMessage && first!.type === 'name' ? [first!, ...rest] : undefined
}

const nameOf = (step: Syntax): string | undefined =>
  step.type === 'name' && hasOnly(step) ? String(step.value) : undefined

const isNames = (names: readonly (string | undefined)[]): names is readonly string[] =>
  names.length > 0 && !names.includes(undefined)

function inMessage(steps: readonly Syntax[], scope: Scope, compile: Compile): Walk | undefined {
  // One name leads into the body and the like, two to a header.
  const first = steps[0]?.value === 'body' || steps[0]?.value === 'address' ? 1 : 2
  const start = steps.slice(0, first).map(nameOf)
  const read = isNames(start) && plainReader(start)
  const rest = stepsOf(steps.slice(first), ofItems(scope), compile)
  if (!read || !rest) return undefined
  return (_, frame) => {
    const from = read(frame.message)
    if (from === unsure) return unsure
    return from === undefined ? sequence([]) : walked(listOf(from), rest, frame)
  }
}

function inContext([first, ...rest]: readonly Syntax[], scope: Scope, compile: Compile): Walk | undefined {
  const [begin, others] = [stepOf(first!, scope, compile), stepsOf(rest, ofItems(scope), compile)]
  if (!begin || !others) return undefined
  const steps = [begin, ...others]
  const isWhole = first!.type === 'variable' || scope.isMessage
  return (context, frame) => {
    const items = isWhole ? [context as Plain] : listOf(context as Plain)
    return walked(items, steps, frame)
  }
}

function stepsOf(steps: readonly Syntax[], scope: Scope, compile: Compile): readonly Step[] | undefined {
  const all = steps.map(step => stepOf(step, scope, compile))
  return all.includes(undefined) ? undefined : (all as Step[])
}

function stepOf({ stages, ...step }: Syntax, scope: Scope, compile: Compile): Step | undefined {
  const filter = stages ? filtersOf(stages, scope, compile) : undefined
  if (stages && !filter) return undefined
  if (step.type === 'sort') return sortStep(step, filter, scope, compile)
  const name = nameOf(step)
  const read: Quick | undefined = name === undefined ? compile(step, scope) : item => named(item, name)
  if (!read) return undefined
  return each(filter ? (item, frame) => filter(read(item, frame), frame) : read)
}

type Filter = (answer: Answer, frame: Frame) => readonly Plain[] | typeof unsure

/** Filters in turn on what a step gives. */
export function filtersOf(stages: readonly Syntax[], scope: Scope, compile: Compile): Filter | undefined {
  const filters = stages.map(stage => filterOf(stage, scope, compile))
  if (filters.includes(undefined)) return undefined
  return (answer, frame) => {
    // A filter of nothing has its own ways.
    if (answer === undefined || answer === unsure) return unsure
    let list: ReturnType<Walk> = listOf(answer)
    for (const filter of filters) {
      list = filter!(list, frame)
      if (list === unsure) return unsure
    }
    return list
  }
}

function filterOf({ type, expr }: Syntax, scope: Scope, compile: Compile) {
  if (type !== 'filter' || !expr) return undefined
  if (expr.type === 'number') return (list: readonly Plain[]) => at(list, expr.value as number)
  const holds = compile(expr, ofItems(scope))
  return holds && ((list: readonly Plain[], frame: Frame) => filtered(list, holds, frame))
}

function sortStep(
  step: Syntax,
  filter: Filter | undefined,
  scope: Scope,
  compile: Compile,
): Step | undefined {
  const terms = step.terms!.map(({ expression, descending }) => ({
    key: compile(expression, scope),
    isDescending: descending,
  }))
  if (!hasOnly(step, 'terms') || !terms.every(({ key }) => key)) return undefined
  const sort = sorted(terms as Parameters<typeof sorted>[0])
  if (!filter) return sort
  return (items, isLast, frame) => {
    const list = sort(items, isLast, frame)
    return filter(list, frame)
  }
}
