import { z } from 'zod'
import { size, sourceCredit } from '../shared/options.ts'

export const connection = z.strictObject({})

export const sourceOptions = z.strictObject({
  queue: z.string().describe('name of a queue in this process'),
  ...sourceCredit,
})

export const sinkOptions = z.strictObject({
  queue: z.string().describe('name of a queue in this process'),
  max_message_size: size.prefault('64MiB').describe('larger messages are refused'),
  fifo: z.boolean().default(false).describe('keep the order of messages with the same group id'),
})

export type MemoryConnection = z.output<typeof connection>
export type MemorySourceOptions = z.output<typeof sourceOptions>
export type MemorySinkOptions = z.output<typeof sinkOptions>
