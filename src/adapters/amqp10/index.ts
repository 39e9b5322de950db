import type { Adapter } from '../../core/adapter.ts'
import { writtenAddress } from './destination.ts'
import { type AmqpPrepared, prepare } from './encode.ts'
import { holdLimit } from './lease.ts'
import {
  type ConnectionOptions,
  connectionOptions,
  type SinkOptions,
  type SourceOptions,
  sinkOptions,
  sourceOptions,
} from './options.ts'
import { peek } from './peek.ts'
import { readBack } from './read-back.ts'
import { show, usualLimits } from './show.ts'
import { openSink } from './sink.ts'
import { openSource } from './source.ts'

export const amqp10: Adapter<ConnectionOptions, SourceOptions, SinkOptions, AmqpPrepared> = {
  protocol: 'amqp10',
  connection: connectionOptions,
  source: {
    options: sourceOptions,
    canReject: true,
    holdLimit: at => at.options.hold_limit ?? holdLimit(at.connection),
    orderProblem: ({ options: { exclusive, topic } }) =>
      exclusive || topic !== undefined
        ? undefined
        : 'another consumer of the queue could overtake this one: write exclusive: true',
    peek,
    open: openSource,
  },
  sink: {
    options: sinkOptions,
    address: at => writtenAddress(at.options),
    prepare,
    usualLimits,
    show,
    readBack,
    open: openSink,
  },
}
