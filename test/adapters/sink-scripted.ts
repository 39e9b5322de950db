import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { duration, template } from '../../src/adapters/shared/options.ts'
import {
  type Connection,
  type Lease,
  SharedConnections,
} from '../../src/adapters/shared/shared-connections.ts'
import { within } from '../../src/adapters/shared/within.ts'
import type { Endpoint, LinkContext, LinkEvent, Prepared, Sink } from '../../src/core/adapter.ts'
import { LinkLost, MessageRefused, SinkUnavailable } from '../../src/core/errors.ts'
import { isTemplate } from '../../src/core/template.ts'
import type { SinkAdapter } from './sink-fixture.ts'
import { type Answer, type Frame, largest } from './sink-scripted-broker.ts'

/**
 * A protocol that is only made to try the sink suite with: lines of JSON over TCP, and a sink
 * that keeps every promise, or breaks one in a way in which sinks do.
 */
export type Fault =
  | 'text' // takes bodies for text
  | 'same call' // one object for all calls
  | 'written' // confirms what is written
  | 'swapped' // every third changes places with the next
  | 'twice' // sends every hundredth again
  | 'nameless' // does not say where it could not connect
  | 'anybody' // does not look at the answer to its login
  | 'patient' // has no time limit for opening
  | 'deaf' // does not hear signals
  | 'blames message' // a missing place is the message's fault, fixed or not
  | 'blames target' // a missing place is the target's fault, chosen or not
  | 'drops' // a message to a missing place is confirmed
  | 'touchy' // a missing place costs the link, and nothing is refused
  | 'narrow' // sends to the first hundred places, and to the last of them the rest
  | 'probing' // checks by sending
  | 'blind' // checks nothing
  | 'marking' // writes when it opens
  | 'any size' // refuses nothing
  | 'wrong error' // an unconfirmed send fails with an error that nobody knows
  | 'quiet end' // a dead link is closed without a reason
  | 'waiting' // has no time limit for sends
  | 'sleeping' // does not look whether its peer lives
  | 'forgetting' // close leaves sends pending
  | 'clinging' // close waits for what is in flight
  | 'selfish' // closes the connection of all
  | 'greedy' // takes what is larger than the broker takes
  | 'split' // sends what is large behind the next that is small
  | 'flooding' // writes whether the broker reads or not
  | 'hoarding' // writes no more than the broker reads, and keeps a copy of the rest
  | 'discreet' // does not say that the broker blocks
  | 'leaving' // closes without closing its connection
  | 'late' // confirms every tenth at once and writes it behind the next

const connection = z.strictObject({
  host: z.string(),
  port: z.int(),
  username: z.string(),
  password: z.string().optional(),
  connect_timeout: duration.prefault('10s'),
  heartbeat: duration.prefault('30s'),
})
const options = z.strictObject({ place: template, send_timeout: duration.prefault('5s') })

type ConnectionOptions = z.output<typeof connection>
type At = Endpoint<ConnectionOptions, z.output<typeof options>>

interface ScriptedPrepared extends Prepared {
  readonly place: string
  readonly body: string
}

/** The adapter, whole or with one fault. */
export function scripted(fault?: Fault): SinkAdapter<ConnectionOptions, At['options'], ScriptedPrepared> {
  const shared = new SharedConnections<ConnectionOptions, Wire>()
  return {
    connection,
    sink: {
      options,
      address: at => at.options.place,
      prepare(_, { maxMessageSize }, { address, body }) {
        const bytes = Buffer.from(body.kind === 'text' ? body.text : body.kind === 'bytes' ? body.bytes : [])
        const size = bytes.length + address.length
        if (size > maxMessageSize && fault !== 'any size') {
          throw new MessageRefused(`the message has ${size} bytes, the broker takes ${maxMessageSize}`)
        }
        const written = fault === 'text' ? Buffer.from(bytes.toString()) : bytes
        return { size, place: address, body: written.toString('base64') }
      },
      usualLimits: () => ({ maxMessageSize: 1_000 }),
      show: (_, { place, body }) => ({ address: place, body, fields: [] }),
      open: (at, context) => openSink(at, context, shared, fault),
    },
  }
}

async function openSink(
  at: At,
  { signal: given, trial, report }: LinkContext,
  shared: SharedConnections<ConnectionOptions, Wire>,
  fault: Fault | undefined,
): Promise<Sink<ScriptedPrepared>> {
  const signal = fault === 'deaf' ? new AbortController().signal : given
  const lease = await shared.lease(at.connection, () => Wire.open(at.connection, fault), signal)
  const sink = new ScriptedSink(at, lease, fault)
  if (fault !== 'discreet') lease.connection.listeners.add(report)
  try {
    await sink.check(signal)
    if (fault === 'marking' && trial)
      await lease.connection.ask({ op: 'send', place: at.options.place, body: '' })
    return sink
  } catch (error) {
    await sink.close()
    throw error
  }
}

/** One TCP connection: asks and is answered. */
class Wire implements Connection {
  readonly closed: Promise<Error | undefined>
  readonly listeners = new Set<(event: LinkEvent) => void>()
  readonly #socket: Socket
  readonly #unwritten: string[] = []
  readonly #hoard: Buffer[] = []
  readonly #fault: Fault | undefined
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  readonly #end: (reason: Error | undefined) => void
  #ended = false
  #asked = 0
  #beat: NodeJS.Timeout | undefined

  static async open(to: ConnectionOptions, fault: Fault | undefined): Promise<Wire> {
    const socket = connect(to.port, to.host)
    const wire = new Wire(socket, fault)
    const where = fault === 'nameless' ? 'the broker' : `${to.host}:${to.port}`
    const limit = fault === 'patient' ? 2 ** 30 : to.connect_timeout
    try {
      const opened = (async () => {
        await once(socket, 'connect')
        return wire.ask({ op: 'login', user: to.username })
      })()
      const { no } = await within(limit, 'logging in', opened)
      if (no && fault !== 'anybody') throw new Error(`the credentials of ${to.username} are refused`)
    } catch (cause) {
      socket.destroy()
      const reason = fault === 'nameless' ? {} : { cause }
      throw new Error(`connecting to ${where} failed`, reason)
    }
    if (fault !== 'sleeping') wire.#watch(to.heartbeat)
    return wire
  }

  private constructor(socket: Socket, fault: Fault | undefined) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#end = resolve
    this.#socket = socket
    this.#fault = fault
    socket
      .on('drain', () => this.#write())
      .on('error', error => this.#die(error))
      .on('close', () => this.#die(new Error('the peer closed')))
    createInterface(socket)
      .on('line', line => {
        const answer: Answer = JSON.parse(line)
        if (answer.blocked !== undefined) return this.#say(answer.blocked)
        this.#waiting.get(answer.id)?.resolve(answer)
        this.#waiting.delete(answer.id)
      })
      .on('error', () => {})
  }

  ask(frame: Omit<Frame, 'id'>): Promise<Answer> {
    if (this.#ended) return Promise.reject(new LinkLost('the connection is gone'))
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    promise.catch(() => {})
    const id = ++this.#asked
    this.#waiting.set(id, { resolve, reject })
    if (this.#fault === 'hoarding') this.#hoard.push(Buffer.from(JSON.stringify(frame)))
    this.#unwritten.push(`${JSON.stringify({ ...frame, id })}\n`)
    this.#write()
    return promise
  }

  /** No more than the socket wants. */
  #write(): void {
    while (this.#unwritten.length > 0) {
      if (this.#socket.writableNeedDrain && this.#fault !== 'flooding') return
      this.#socket.write(this.#unwritten.shift()!)
    }
  }

  #say(blocked: boolean): void {
    const text = blocked ? 'the broker blocks its publishers' : 'the broker takes messages again'
    for (const report of this.listeners) report({ type: 'notice', text })
  }

  async close(): Promise<void> {
    this.#die(undefined)
  }

  /** Closes, and who waits for an answer never hears of it. */
  forget(): void {
    this.#waiting.clear()
    this.#die(undefined)
  }

  #watch(heartbeat: number): void {
    const beat = () =>
      within(heartbeat, 'a ping', this.ask({ op: 'ping' })).catch(error => this.#die(error as Error))
    this.#beat = setInterval(() => void beat(), heartbeat).unref()
  }

  #die(reason: Error | undefined): void {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#beat)
    this.#socket.destroy()
    const lost =
      this.#fault === 'wrong error'
        ? new Error('ECONNRESET')
        : new LinkLost('the connection is gone', { cause: reason })
    for (const { reject } of this.#waiting.values()) reject(lost)
    this.#end(this.#fault === 'quiet end' ? undefined : reason)
  }
}

class ScriptedSink implements Sink<ScriptedPrepared> {
  readonly limits
  readonly closed: Promise<Error | undefined>
  readonly #at: At
  readonly #lease: Lease<Wire>
  readonly #fault: Fault | undefined
  readonly #call = {}
  readonly #closing = new AbortController()
  readonly #pending = new Set<Promise<unknown>>()
  readonly #places: string[] = []
  #held: ScriptedPrepared | undefined
  #sent = 0

  constructor(at: At, lease: Lease<Wire>, fault: Fault | undefined) {
    this.limits = { maxMessageSize: fault === 'greedy' ? largest + 1_000 : largest }
    this.#at = at
    this.#lease = lease
    this.#fault = fault
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.closed = Promise.race([lease.connection.closed, promise])
    this.#closing.signal.addEventListener('abort', () => resolve(undefined))
  }

  async send(prepared: ScriptedPrepared, signal: AbortSignal): Promise<object> {
    const fault = this.#fault
    if (fault !== 'deaf') signal.throwIfAborted()
    if (this.#closing.signal.aborted) throw new LinkLost('the sink is closed')
    const asked = this.#ask(this.#bent(prepared))
    if (fault === 'written') return {}
    const sending = this.#sending(prepared.place, asked, signal)
    this.#pending.add(sending)
    sending.catch(() => {}).finally(() => this.#pending.delete(sending))
    return sending
  }

  async #sending(place: string, asked: Promise<Answer>, signal: AbortSignal): Promise<object> {
    const fault = this.#fault
    const closing = fault === 'forgetting' ? [] : [this.#closing.signal]
    const ended = AbortSignal.any(fault === 'deaf' ? closing : [signal, ...closing])
    const limit = fault === 'waiting' || fault === 'clinging' ? 2 ** 30 : this.#at.options.send_timeout
    const late = new Error(`sending to ${place}`)
    const answer = await within(limit, late.message, asked, ended).catch(error => {
      if (error === signal.reason || error instanceof LinkLost || fault === 'wrong error') throw error
      throw new SinkUnavailable('the result is unknown', { cause: error })
    })
    if (answer.no && fault === 'touchy') {
      await this.#lease.connection.close()
      throw new LinkLost(`no place ${place}`)
    }
    if (answer.no === 'size') throw new MessageRefused('the broker says that it is too large')
    if (answer.no && fault !== 'drops') throw this.#missing(place)
    return fault === 'same call' ? this.#call : {}
  }

  #missing(place: string): Error {
    const blamed = this.#fault === 'blames message' || isTemplate(this.#at.options.place)
    const isMessage = blamed && this.#fault !== 'blames target'
    return isMessage ? new MessageRefused(`no place ${place}`) : new SinkUnavailable(`no place ${place}`)
  }

  #bent(prepared: ScriptedPrepared): ScriptedPrepared {
    if (this.#fault !== 'narrow') return prepared
    if (!this.#places.includes(prepared.place) && this.#places.length < 100) this.#places.push(prepared.place)
    return this.#places.includes(prepared.place) ? prepared : { ...prepared, place: this.#places.at(-1)! }
  }

  #ask({ place, body }: ScriptedPrepared): Promise<Answer> {
    const wire = this.#lease.connection
    const fault = this.#fault
    this.#sent++
    const each = fault === 'swapped' ? 3 : fault === 'late' ? 10 : 0
    const isHeld = each ? this.#sent % each === 0 : fault === 'split' && body.length > 100_000
    if (isHeld && !this.#held) {
      this.#held = { size: 0, place, body }
      return Promise.resolve({ id: 0 })
    }
    const asked = wire.ask({ op: 'send', place, body })
    if (this.#held) {
      void wire.ask({ op: 'send', place: this.#held.place, body: this.#held.body })
      this.#held = undefined
    }
    if (fault === 'twice' && this.#sent % 100 === 0) void wire.ask({ op: 'send', place, body })
    return asked
  }

  async check(signal: AbortSignal): Promise<void> {
    const place = this.#at.options.place
    const fault = this.#fault
    if (isTemplate(place) || fault === 'blind') return
    const op = fault === 'probing' ? 'send' : 'look'
    const asking = this.#lease.connection.ask({ op, place, body: '' })
    const { no } = await within(5_000, `looking for ${place}`, asking, signal)
    if (no && fault !== 'drops') throw this.#missing(place)
  }

  async close(): Promise<void> {
    if (this.#fault === 'clinging') await Promise.allSettled(this.#pending)
    this.#closing.abort(new LinkLost('the sink is closed'))
    if (this.#fault === 'selfish') await this.#lease.connection.close()
    else if (this.#fault === 'forgetting') this.#lease.connection.forget()
    else if (this.#fault !== 'leaving') await this.#lease.release()
  }
}
