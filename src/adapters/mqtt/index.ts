import type { Adapter } from '../../core/adapter.ts'
import {
  type ConnectionOptions,
  connectionOptions,
  type SourceOptions,
  sourceOptions,
  warnings,
} from './options.ts'

export const mqtt: Adapter<ConnectionOptions, SourceOptions, never> = {
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
    warnings,
    // MQTT.js takes time and memory, and is loaded by the first source that needs it.
    open: async (at, deliver, context) => (await import('./open.ts')).openSource(at, deliver, context),
  },
}
