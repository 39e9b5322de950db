import type { BridgeConfig, RouteConfig, SinkEnd, TargetEnd } from './config/bridge-config.ts'
import type { Problem } from './config/problem.ts'
import type { Report } from './core/events.ts'
import { typedJson } from './core/json/typed-json.ts'
import type { Message } from './core/message.ts'
import type { DeadLetterPlace } from './route/dead-letter/dead-letters.ts'
import { named } from './route/delivery-id.ts'
import { BufferedRoute, type RouteStatus } from './route/disk/buffered-route.ts'
import { compileAddress } from './route/mapping/address.ts'
import { compileMapping, compileRules } from './route/mapping/mapping.ts'
import { Mistakes, RuleInvalid } from './route/mapping/mistakes.ts'
import type { Step } from './route/mapping/step.ts'
import type { RouteParts } from './route/parts.ts'
import { Pressure } from './route/pressure.ts'
import { type RedriveSource, redriving } from './route/redrive.ts'
import { replies } from './route/reply/replies.ts'
import { type ReplyOptions, requests } from './route/reply/requests.ts'
import { Route } from './route/route.ts'
import { type StageParts, stagesOf } from './route/stages.ts'
import type { TargetSink } from './route/target.ts'
import { withoutRoute } from './route/trail.ts'

/** All routes of a configuration, from start to stop. */
export class Bridge {
  readonly #routes: readonly (Route | BufferedRoute)[]
  readonly #pressure: Pressure

  /** Opens nothing yet. `config` must have passed `checkRule` and `checkAddresses`. */
  constructor(config: BridgeConfig, report: Report) {
    this.#pressure = new Pressure(report)
    this.#routes = config.routes.map(route => {
      const { disk } = route.buffer
      const parts = partsOf(route, config, this.#pressure)
      if (!disk) return new Route(parts, report)
      return new BufferedRoute(parts, disk.path, disk.max_bytes, disk.key?.reveal(), report)
    })
  }

  /** Takes the folders of disk buffers, before anything is started. Throws as `BufferedRoute.open`. */
  async open(): Promise<void> {
    const known = new Set(this.#routes.map(route => route.name))
    for (const route of this.#routes) if (route instanceof BufferedRoute) await route.open(known)
  }

  /** Each route opens its links by itself, and again when they are lost: a broker that is down is waited for. */
  start(): void {
    this.#pressure.start()
    for (const route of this.#routes) route.start()
  }

  /** Stops all routes, see `Route.stop`. Never rejects. */
  async stop(deadline: AbortSignal): Promise<void> {
    await Promise.all(this.#routes.map(route => route.stop(deadline)))
    this.#pressure.stop()
  }

  /** Lets a route go on after too many dead letters; false when it was not held, undefined when none has this name. */
  resume(route: string): boolean | undefined {
    return this.#routes.find(r => r.name === route)?.resume()
  }

  /** A picture of this moment, by route. */
  status(): ReadonlyMap<string, RouteStatus> {
    return new Map(this.#routes.map(route => [route.name, route.status()]))
  }
}

export type BridgeStatus = ReturnType<Bridge['status']>

/** The mistakes in the addresses of targets, which only their compiler finds. */
export const checkAddresses = (config: BridgeConfig): readonly Problem[] =>
  config.routes.flatMap(({ name, targets }) =>
    Array.from(targets, ([target, end]) =>
      mistakesIn(
        () => compileTarget(end),
        path => ['routes', name, 'targets', target, ...path],
      ),
    ).flat(),
  )

/** The mistakes of one rule, with paths below it, so that they can be told with those of the rest of the file. */
export const checkRule = (rule: RouteConfig['mapping'][number]): readonly Problem[] =>
  mistakesIn(
    () => compileRules([rule]),
    ([, ...path]) => path,
  )

function mistakesIn(
  compile: () => unknown,
  place: (path: Problem['path']) => Problem['path'],
): readonly Problem[] {
  try {
    compile()
    return []
  } catch (error) {
    if (error instanceof RuleInvalid) return error.mistakes.map(m => ({ ...m, path: place(m.path) }))
    throw error
  }
}

/** Mistakes are placed at the option that holds the address. */
function compileTarget({ kind, at }: SinkEnd): void {
  const address = kind.address?.(at)
  if (address === undefined) return
  const [key] = Object.entries(at.options as object).find(([, value]) => value === address) ?? []
  const mistakes = new Mistakes()
  mistakes.at(key === undefined ? [] : [key], () => compileAddress(address))
  mistakes.raise()
}

/**
 * A route that carries its own dead letters, which `source` hands out, once more: to the target of this name or, where that is '',
 * to all, see `redriving`.
 */
export const redriveRoute = (
  route: RouteConfig,
  config: BridgeConfig,
  target: string,
  source: RedriveSource,
  report: Report,
): Route => new Route(redriving(partsOf(route, config), target, source), report)

function partsOf(route: RouteConfig, config: BridgeConfig, pressure?: Pressure): RouteParts {
  const { name, from, buffer, retry, breaker } = route
  return {
    name,
    source: {
      connectionName: from.at.connectionName,
      prefetch: from.at.options.prefetch,
      holdLimit: () => from.kind.holdLimit(from.at),
      open: (deliver, context) => from.kind.open(from.at, deliver, context),
    },
    buffer: { maxMessages: buffer.max_messages, maxBytes: buffer.max_bytes, pressure },
    targets: new Map(
      Array.from(route.targets, ([target, end]) => [
        target,
        { ...targetSink(end), mapping: compileMapping(end.mapping, ownerOf(target)) },
      ]),
    ),
    deadLetters: route.deadLetters.map((place): DeadLetterPlace => {
      if ('broker' in place) return { name: place.name, rejects: true }
      return { name: place.name, sink: targetSink(place.end) }
    }),
    retry: { initial: retry.initial, max: retry.max, maxAttempts: retry.max_attempts },
    breaker: {
      failureRate: breaker.failure_rate,
      minimumCalls: breaker.minimum_calls,
      window: breaker.window,
      openFor: breaker.open_for,
    },
    order: { ordering: route.ordering, onRefused: route.onRefused },
    expired: route.expired,
    maxRate: route.maxRate,
    deadLetterPause: {
      share: route.deadLetterPause.share,
      ofLast: route.deadLetterPause.of_last,
      atLeast: route.deadLetterPause.at_least,
    },
    ...stageParts(route, config),
  }
}

const stageParts = (route: RouteConfig, config: BridgeConfig): StageParts => ({
  mapping: compileMapping(route.mapping),
  trail: { bridge: config.id, maxHops: route.maxHops, loop: route.loop },
  ...requestReply(route, config),
})

/** One thing that is done to a message: a rule, or what a route does beside its rules. */
export interface WayStep {
  /** `trail`, `reply`, `request`, or the key of a rule. */
  readonly name: string
  /** Of a rule, from 1. */
  readonly number?: number
  readonly run: Step
}

/** The way of a message through a route up to the links, for `explain`: the same steps in the same order, one by one. */
export interface Way {
  readonly route: RouteConfig
  /** The message as the route takes it over: with the name of its delivery, which is the same each time. */
  receive(message: Message): Message
  /** The message of a dead letter as it is sent again. */
  again(message: Message): Message
  readonly steps: readonly WayStep[]
  readonly targets: ReadonlyMap<string, TargetWay>
}

export interface TargetWay {
  readonly end: SinkEnd
  readonly steps: readonly WayStep[]
  /** With the address that it goes to. */
  address(message: Message): Message | Promise<Message>
}

/** Opens nothing. `config` must have passed `checkRule` and `checkAddresses`. */
export function wayOf(route: RouteConfig, config: BridgeConfig): Way {
  const stages = stagesOf(route.name, stageParts(route, config))
  return {
    route,
    receive: message => named(route.from.at.connectionName, { message, id: idOf(message) }),
    again: message => withoutRoute(config.id, route.name, message),
    steps: stages.flatMap<WayStep>(stage =>
      stage.name === 'mapping' ? compileRules(route.mapping) : [stage],
    ),
    targets: new Map(
      Array.from(route.targets, ([name, end]) => {
        const { address = (message: Message) => message } = targetSink(end)
        return [name, { end, steps: compileRules(end.mapping, ownerOf(name)), address }]
      }),
    ),
  }
}

/** A broker's id where the message has one; a name is needed all the same, and may not be another one each time. */
const idOf = ({ properties: { messageId } }: Message): string =>
  messageId === undefined || messageId.type === 'null' ? 'explained' : typedJson(messageId)

/** What the route does with requests or replies, where it carries any. */
function requestReply(
  { from, targets, request, reply }: RouteConfig,
  { requestReply: common }: BridgeConfig,
) {
  if (!common) return {}
  const options: ReplyOptions = {
    keys: common.keys.map(({ id, secret }) => ({ id, secret: secret.reveal() })),
    allow: common.reply_to_allow,
  }
  const connections = new Set(Array.from(targets.values(), ({ at }) => at.connectionName))
  return {
    ...(request && {
      request: requests(
        { replyTo: request.reply_to, timeout: request.timeout },
        options,
        from.at.connectionName,
      ),
    }),
    ...(reply && { reply: replies(options, connections) }),
  }
}

const ownerOf = (target: string): string => `target ${target}`

const targetSink = ({ kind, at, allow }: SinkEnd & { allow?: TargetEnd['allow'] }): TargetSink => ({
  open: context => kind.open(at, context),
  ...(kind.address && { address: compileAddress(kind.address(at), allow) }),
  ...(kind.orderGroup && { orderGroup: (message: Message) => kind.orderGroup?.(at, message) }),
  prepare: (limits, message) => kind.prepare(at, limits, message),
})
