import { setTimeout as pause } from 'node:timers/promises'
import type { TcpProxy } from '../test/support/proxy.ts'
import { rabbitmqctl } from '../test/support/rabbitmqctl.ts'
import type { Random } from './random.ts'
import type { Side, World } from './world.ts'

/** Where a fault is: between Sluice and its source or its target, or Sluice itself. */
export type Where = 'source' | 'target' | 'bridge'

export interface Fault {
  /** As the page says it. */
  readonly title: string
  readonly where: readonly Where[]
  /** Milliseconds, at least and at most; drawn from the seed. */
  readonly lasts: readonly [number, number]
  /** It needs a broker that nobody else uses. */
  readonly own?: true
  /** For a side that is AWS only, or never. */
  readonly aws?: boolean
  /** Begins and gives what ends it. */
  begin(world: World, side: Side, random: Random): Promise<() => unknown>
}

const both = ['source', 'target'] as const
const nothing = () => {}

function refuse(proxy: TcpProxy): void {
  proxy.refuse()
  proxy.cut()
}

const failing = (title: string, code: string, status: number, lasts: Fault['lasts']): Fault => ({
  title,
  where: both,
  lasts,
  aws: true,
  async begin({ aws }) {
    const fault = aws.faults.failCalls({ code, status })
    return () => fault.end()
  },
})

const latency = (title: string, milliseconds: number): Fault => ({
  title,
  where: both,
  lasts: [3_000, 10_000],
  async begin(_, { proxy, distance }) {
    proxy.delay(distance + milliseconds)
    return () => proxy.delay(distance)
  },
})

export const faults = {
  kill: {
    title: 'kill -9',
    where: ['bridge'],
    lasts: [0, 300],
    async begin({ bridge }) {
      await bridge.kill()
      return () => bridge.start()
    },
  },
  /** What the bridge has then is nowhere else if it was settled early. The target comes back when the bridge has started again. */
  'kill-unsettled': {
    title: 'kill -9 while the target is away',
    where: ['bridge'],
    lasts: [0, 300],
    async begin({ bridge, target: { proxy } }, _, random) {
      await bridge.sending(50)
      // Where connections are refused at once, nothing more is taken from the source.
      proxy.stall()
      await pause(random.whole(200, 1_200))
      if (random.isTrue(1 / 3)) {
        refuse(proxy)
        await pause(random.whole(0, 500))
      }
      await bridge.killHolding()
      // What stalled must not arrive after all.
      refuse(proxy)
      return async () => {
        await bridge.start()
        proxy.resume()
      }
    },
  },
  sigterm: {
    title: 'SIGTERM',
    where: ['bridge'],
    lasts: [0, 300],
    async begin({ bridge }) {
      await bridge.stop()
      return () => bridge.start()
    },
  },
  clock: {
    title: 'clock steps of up to a day, either way',
    where: ['bridge'],
    lasts: [2_000, 8_000],
    async begin({ bridge }, _, random) {
      bridge.stepClock(random.whole(-86_400_000, 86_400_000))
      return () => bridge.stepClock(0)
    },
  },
  'disk-full': {
    title: 'full disk',
    where: ['bridge'],
    lasts: [2_000, 8_000],
    async begin({ disk }) {
      return disk!.fill()
    },
  },
  cut: {
    title: 'connections reset',
    where: both,
    lasts: [0, 0],
    async begin(_, { proxy }) {
      proxy.cut()
      return nothing
    },
  },
  'mid-frame': {
    title: 'reset in the middle of a frame',
    where: both,
    lasts: [500, 500],
    async begin(_, { proxy }, random) {
      proxy.cutAfter(random.whole(1, 5_000))
      return nothing
    },
  },
  stall: {
    title: 'stalled sockets',
    where: both,
    lasts: [1_000, 15_000],
    async begin(_, { proxy }) {
      proxy.stall()
      return () => proxy.resume()
    },
  },
  'half-open': {
    title: 'half-open connections',
    where: both,
    lasts: [0, 0],
    async begin(_, { proxy }) {
      proxy.forsake()
      return nothing
    },
  },
  away: {
    title: 'connections refused',
    where: both,
    lasts: [1_000, 8_000],
    async begin(_, { proxy }) {
      refuse(proxy)
      return () => proxy.resume()
    },
  },
  'latency-100ms': latency('100 ms more, each way', 100),
  'latency-2s': latency('2 s more, each way', 2_000),
  restart: {
    title: 'restart of the broker',
    where: both,
    lasts: [0, 3_000],
    own: true,
    aws: false,
    async begin(_, { restart }) {
      const start = await restart()
      return start
    },
  },
  alarm: {
    title: 'publishers blocked by a memory alarm',
    where: ['target'],
    lasts: [3_000, 12_000],
    own: true,
    aws: false,
    async begin(_, { own }) {
      await rabbitmqctl(own!.broker, 'set_vm_memory_high_watermark', '0.0000001')
      return () => rabbitmqctl(own!.broker, 'set_vm_memory_high_watermark', '0.6')
    },
  },
  'error-503': failing('503 for every call', 'ServiceUnavailable', 503, [1_000, 8_000]),
  throttled: failing('every call throttled', 'ThrottlingException', 400, [1_000, 8_000]),
  denied: failing('access denied for a minute', 'AccessDenied', 403, [60_000, 60_000]),
  'partly-failing': {
    title: 'entries of a batch fail, one in three',
    where: both,
    lasts: [2_000, 8_000],
    aws: true,
    async begin({ aws }, _, random) {
      const fault = aws.faults.failEntries({
        code: 'InternalError',
        message: 'later',
        senderFault: false,
        when: () => random.isTrue(1 / 3),
      })
      return () => fault.end()
    },
  },
  'answers-lost': {
    title: 'answers lost after the call was done',
    where: both,
    lasts: [1_000, 5_000],
    aws: true,
    async begin({ aws }) {
      const fault = aws.faults.dropAnswers()
      return () => fault.end()
    },
  },
  silent: {
    title: 'calls without an answer',
    where: both,
    lasts: [1_000, 15_000],
    aws: true,
    async begin({ aws }) {
      const fault = aws.faults.leaveUnanswered()
      return () => fault.end()
    },
  },
} as const satisfies Readonly<Record<string, Fault>>

export type FaultName = keyof typeof faults

export const faultOf = (name: FaultName): Fault => faults[name]
