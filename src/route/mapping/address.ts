import { MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import { isTemplate } from '../../core/template.ts'
import { toText } from './expression/plain.ts'
import { compileTemplate } from './expression/template.ts'

/**
 * Compiles where messages go: the message with that address. What is written may be a template; one whose result is empty
 * refuses the message. Throws on an expression that is not well-formed.
 */
export function compileAddress(written: string): (message: Message) => Message | Promise<Message> {
  if (!isTemplate(written)) return message => ({ ...message, address: written, origin: message.address })
  const template = compileTemplate(written)
  return async message => {
    const address = toText(await template(message))
    if (address === '') throw new MessageRefused(`the address ${written} comes to nothing for this message`)
    return { ...message, address, origin: message.address }
  }
}
