import type { Adapter } from '../../core/adapter.ts'
import { type MqttPrepared, prepare } from './encode.ts'
import {
  addressOf,
  type ConnectionOptions,
  connectionOptions,
  isHeaderless,
  mayForget,
  type SinkOptions,
  type SourceOptions,
  sinkOptions,
  sinkWarnings,
  sourceOptions,
  warnings,
} from './options.ts'
import { show, usualLimits } from './show.ts'
import { mayMatch } from './topics.ts'

/** MQTT 3.1.1 and 5. */
export const mqtt: Adapter<ConnectionOptions, SourceOptions, SinkOptions, MqttPrepared> = {
  protocol: 'mqtt',
  connection: connectionOptions,
  source: {
    options: sourceOptions,
    canReject: false,
    holdLimit: () => Number.POSITIVE_INFINITY,
    orderProblem: at =>
      at.options.share === undefined
        ? undefined
        : 'the members of a shared subscription divide the messages: leave share out',
    reads: (at, address) => mayMatch(at.options.topic, address),
    mayForget,
    warnings,
    async peek() {
      throw new Error('MQTT has no queue to look at: a subscriber is handed what is published from then on')
    },
    // MQTT.js takes time and memory, and is loaded by the first link that needs it.
    open: async (at, deliver, context) => (await import('./open.ts')).openSource(at, deliver, context),
  },
  sink: {
    options: sinkOptions,
    open: async (at, context) => (await import('./sink.ts')).openSink(at, context),
    address: addressOf,
    isHeaderless,
    prepare,
    usualLimits,
    show,
    warnings: sinkWarnings,
  },
}
