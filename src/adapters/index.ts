import type { Adapter, SourceOptions } from '../core/adapter.ts'
import { amqp10 } from './amqp10/index.ts'
import { amqp091 } from './amqp091/index.ts'
import { folder } from './folder/index.ts'
import { memory } from './memory/index.ts'
import { mqtt } from './mqtt/index.ts'
import { s3 } from './s3/index.ts'
import { sns } from './sns/index.ts'
import { sqs } from './sqs/index.ts'
import { stomp } from './stomp/index.ts'

/** Every protocol that the bridge speaks: one folder each. */
export const adapters: readonly Adapter<unknown, SourceOptions, unknown>[] = [
  amqp10,
  amqp091,
  mqtt,
  stomp,
  sqs,
  sns,
  s3,
  memory,
  folder,
]
