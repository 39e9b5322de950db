import { MessageRefused } from '../../core/errors.ts'
import { isTemplate } from '../../core/template.ts'
import type { Value } from '../../core/value.ts'
import { matching } from '../../core/wildcards.ts'
import { toText } from './expression/plain.ts'
import { compileTemplate } from './expression/template.ts'
import { addressedTo, after, type Mapped } from './step.ts'

/**
 * Compiles where messages go: the message with that address. What is written may be a template; one whose result is empty, or
 * matches none of the patterns in `allow`, refuses the message. Throws on an expression that is not well-formed.
 */
export function compileAddress(
  written: string,
  allow?: readonly string[],
): (message: Mapped) => Mapped | Promise<Mapped> {
  if (!isTemplate(written)) return message => addressedTo(message, written)
  const template = compileTemplate(written)
  const isAllowed = allow && matching(allow)
  return message =>
    after(template(message), value => {
      const address = addressOf(value, written)
      if (isAllowed?.(address) === false)
        throw new MessageRefused(`the address ${JSON.stringify(address)} is none of those that allow names`)
      return addressedTo(message, address)
    })
}

/** The address that a value gives, which was made of what is `written`. Throws MessageRefused where it is empty. */
export function addressOf(value: Value, written?: string): string {
  const address = toText(value)
  if (address !== '') return address
  throw new MessageRefused(`the address ${written === undefined ? '' : `${written} `}comes to nothing`)
}
