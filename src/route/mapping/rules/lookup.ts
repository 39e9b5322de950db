import { MessageRefused } from '../../../core/errors.ts'
import type { Value } from '../../../core/value.ts'
import { fromPlain, toText } from '../expression/plain.ts'
import { compileTemplate } from '../expression/template.ts'
import { Mistakes } from '../mistakes.ts'
import { after, type Mapped, type Step } from '../step.ts'

export interface LookupRule {
  /** What the table is called in sentences. */
  readonly file: string
  /** Each row is a map. */
  readonly rows: ReadonlyMap<string, Value>
  readonly key: string
  readonly as: string
  readonly default?: Readonly<Record<string, string | number | boolean>> | undefined
}

/** Puts the row of a key where later expressions see it, as `lookup.NAME`. Refuses a key without a row where there is no default. */
export function lookup(rule: LookupRule): Step {
  const { file, rows, as } = rule
  const mistakes = new Mistakes()
  const template = mistakes.at(['key'], () => compileTemplate(rule.key))
  mistakes.raise()
  const otherwise = rule.default && fromPlain(rule.default)
  const found = (message: Mapped, key: string): Mapped => {
    const row = rows.get(key) ?? otherwise
    if (row) return { ...message, lookup: { ...message.lookup, [as]: row } }
    const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key)
    throw new MessageRefused(`${file} has no row for the key ${shown}, and the rule no default`)
  }
  return message => after(template(message), key => found(message, toText(key)))
}
