import type { Adapter } from '../../core/adapter.ts'
import { type MemoryPrepared, prepare } from './codec.ts'
import {
  connection,
  type MemoryConnection,
  type MemorySinkOptions,
  type MemorySourceOptions,
  sinkOptions,
  sourceOptions,
} from './options.ts'
import { memoryQueue } from './queue.ts'
import { show, usualLimits } from './show.ts'
import { openSink } from './sink.ts'
import { openSource } from './source.ts'

/** Queues in this process, both ways: for tests and for trying a mapping. They hold nothing beyond the process. */
export const memory: Adapter<MemoryConnection, MemorySourceOptions, MemorySinkOptions, MemoryPrepared> = {
  protocol: 'memory',
  connection,
  source: {
    options: sourceOptions,
    canReject: true,
    holdLimit: () => Number.POSITIVE_INFINITY,
    orderProblem: () => undefined,
    peek: async at => memoryQueue(at.options.queue).messages[0],
    open: openSource,
  },
  sink: {
    options: sinkOptions,
    isOrdered: at => at.options.fifo,
    orderGroup: (at, { properties: { groupId } }) => (at.options.fifo ? groupId : undefined),
    prepare,
    usualLimits,
    show,
    open: openSink,
  },
}
