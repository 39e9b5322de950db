import type { ShownField } from '../core/adapter.ts'
import type { Message } from '../core/message.ts'
import { formatSize } from '../core/units.ts'
import { bytesText, type Change, partsOf } from './changes.ts'
import { columnOf, hanging, hangingValue, shortened, visible } from './layout.ts'
import type { End, Explanation, Sent, StepDone, TargetDone } from './trace.ts'

/** So much of a part is shown before and after a rule, and so much of the body that is sent. */
const [little, much] = [160, 4_000]

/** An explanation for people, in lines of 100 characters. */
export function explanationText({ route, message, at, steps, targets }: Explanation): string {
  return [
    `route ${route}, message from ${visible(message.address)}, at ${new Date(at).toISOString()}`,
    '',
    ...messageLines(message),
    '',
    ...stepLines(steps),
    ...targets.flatMap(target => ['', ...targetLines(target)]),
  ].join('\n')
}

function messageLines(message: Message): readonly string[] {
  const parts = [...partsOf(message)].filter(([part]) => part !== 'address')
  const column = columnOf(
    parts.map(([part]) => visible(part)),
    2,
  )
  return [
    'as it came',
    ...parts.map(([part, value]) =>
      hangingValue(`  ${visible(part)}`, column, visible(shortened(value, little))),
    ),
    ...(parts.length === 0 ? ['  nothing but its address'] : []),
  ]
}

const stepLines = (steps: readonly StepDone[]): readonly string[] =>
  steps.flatMap(({ label, changes, end }) => {
    if (end) return [`${label}: ${end.is === 'dropped' ? 'drops the message' : 'refuses the message'}`]
    return changes.length === 0 ? [`${label}: changes nothing`] : [label, ...changes.flatMap(changeLines)]
  })

/** `+` for what is new, `-` for what is gone, and both for what is another now. */
function changeLines({ part, before, after }: Change): readonly string[] {
  const line = (sign: string, value: string | undefined) =>
    value === undefined
      ? []
      : [hangingValue(`  ${sign} ${visible(part)}`, 30, visible(shortened(value, little)))]
  return [...line('-', before), ...line('+', after)]
}

function targetLines({ target, protocol, steps, result }: TargetDone): readonly string[] {
  const done = stepLines(steps).map(line => `  ${line}`)
  const end = result.is === 'sent' ? sentLines(result) : [hanging('  end', 12, endText(result))]
  return [`target ${target} (${protocol})`, ...done, ...end]
}

export const endText = (end: End): string =>
  end.is === 'dropped'
    ? `nothing is sent, the message is dropped by ${end.by}`
    : `nothing is sent, the message is dead-lettered: ${visible(end.reason)}`

function sentLines({ shown, size, limit, notes }: Sent): readonly string[] {
  const { address, body, fields } = shown
  return [
    hangingValue('  address', 12, visible(address)),
    `  size      ${sizeText(size, limit)}`,
    hangingValue('  body', 12, bodyLine(body)),
    ...fieldLines(fields),
    ...(notes.length === 0 ? [] : ['  notes', ...notes.map(note => hanging('    -', 6, visible(note)))]),
  ]
}

const sizeText = (size: number, limit: number): string =>
  Number.isFinite(limit)
    ? `${size} bytes; the usual limit is ${limit}${/iB$/.test(formatSize(limit)) ? ` (${formatSize(limit)})` : ''}`
    : `${size} bytes, and there is no limit`

function bodyLine(body: string | Uint8Array): string {
  if (body.length === 0) return '(empty)'
  return visible(shortened(typeof body === 'string' ? body : bytesText(body), much))
}

/** Name, type and value below each other, by section. */
function fieldLines(fields: readonly ShownField[]): readonly string[] {
  const sections = [...new Set([undefined, ...fields.map(field => field.section)])]
  return sections.flatMap(section => {
    const own = fields.filter(field => field.section === section)
    if (own.length === 0) return []
    const names = own.map(({ name }) => visible(name))
    const typeAt = columnOf(names, 4)
    const types = own.flatMap(({ type }) => (type === undefined ? [] : [type]))
    const valueAt = types.length === 0 ? typeAt : columnOf(types, typeAt, 24)
    return [
      `  ${section ?? 'fields'}`,
      ...own.map(({ type = '', value }, i) => {
        const head =
          types.length === 0 ? `    ${names[i]}` : `${`    ${names[i]}`.padEnd(typeAt - 1)} ${type}`
        return hangingValue(head, valueAt, value === '' ? '(empty)' : visible(shortened(value, much)))
      }),
    ]
  })
}
