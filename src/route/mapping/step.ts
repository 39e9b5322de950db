import type { Message } from '../../core/message.ts'

/** One rule, compiled: the message as it goes on, or undefined when the rule dropped it. Throws MessageRefused. */
export type Step = (message: Message) => Message | undefined | Promise<Message | undefined>
