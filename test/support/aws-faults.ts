import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type AwsCall,
  type AwsError,
  type BatchEntry,
  contentType,
  type EntryError,
  emptyBatchAnswer,
  errorAnswer,
  readCall,
  withFailed,
  withoutEntries,
} from './aws-calls.ts'

/** Which calls a fault is for: all of them when nothing is said. */
export interface Which {
  /** E.g. SendMessageBatch. */
  readonly action?: string
  /** How many calls it is for; after them it has ended. */
  readonly times?: number
}

/** A fault that is on until end(), or until its `times` are over. */
export interface Fault {
  /** How many calls it has changed. */
  readonly hits: number
  end(): void
}

/** An HTTP proxy in front of an AWS emulator that fails on demand. */
export interface AwsFaults extends AsyncDisposable {
  readonly endpoint: string
  /** Calls that arrived, failed ones too, in order. */
  readonly calls: readonly AwsCall[]
  /** Answers whole calls with an error; nothing is forwarded. */
  failCalls(error: AwsError & Which & { readonly status?: number }): Fault
  /** Takes the entries for which `when` holds out of a batch; they come back in Failed, the rest is forwarded. */
  failEntries(error: EntryError & Which & { readonly when: (entry: BatchEntry) => boolean }): Fault
  /** Holds answers back for so many milliseconds after forwarding. */
  delayAnswers(which: Which & { readonly milliseconds: number }): Fault
  /** Forwards, then breaks the connection instead of answering: the caller cannot know. */
  dropAnswers(which?: Which): Fault
  /** Accepts calls and neither forwards nor answers them. */
  leaveUnanswered(which?: Which): Fault
  /** Refuses connections until comeUp(). */
  goDown(): Promise<void>
  comeUp(): Promise<void>
  /** Ends every fault and forgets the calls. */
  clear(): void
  close(): Promise<void>
}

type Change =
  | { readonly kind: 'fail'; readonly status: number; readonly error: AwsError }
  | { readonly kind: 'entries'; readonly error: EntryError; readonly when: (entry: BatchEntry) => boolean }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'silence' }

interface Active extends Which {
  readonly change: Change
  hits: number
}

export async function startAwsFaults(target: string): Promise<AwsFaults> {
  const calls: AwsCall[] = []
  let active: Active[] = []

  const add = (change: Change, { action, times }: Which = {}): Fault => {
    const fault: Active = { change, hits: 0, ...(action && { action }), ...(times && { times }) }
    active.push(fault)
    return {
      get hits() {
        return fault.hits
      },
      end() {
        active = active.filter(other => other !== fault)
      },
    }
  }
  /** The change of the first fault of this kind that is for the call, which counts as a hit. */
  const take = <K extends Change['kind']>(
    kind: K,
    call: AwsCall,
    changes: (change: Extract<Change, { kind: K }>) => boolean = () => true,
  ): Extract<Change, { kind: K }> | undefined => {
    const found = active.find(
      fault =>
        fault.change.kind === kind &&
        (fault.action ?? call.action) === call.action &&
        fault.hits < (fault.times ?? Number.POSITIVE_INFINITY) &&
        changes(fault.change as Extract<Change, { kind: K }>),
    )
    if (found) found.hits++
    return found?.change as Extract<Change, { kind: K }> | undefined
  }

  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const call = readCall(header(request, 'x-amz-target'), (await buffer(request)).toString())
    calls.push(call)
    if (take('silence', call)) return
    const whole = take('fail', call)
    if (whole) {
      response.writeHead(whole.status, { 'content-type': contentType(call) })
      return void response.end(errorAnswer(call, whole.error, whole.status))
    }
    const chosen = take('entries', call, ({ when }) => call.entries.some(when))
    const answer = await forward(target, request, call, chosen)
    const late = take('delay', call)
    if (late) await delay(late.milliseconds)
    if (take('drop', call)) return void request.socket.resetAndDestroy()
    response.writeHead(answer.status, answer.headers).end(answer.body)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy())
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const close = async () => {
    if (!server.listening) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo

  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    failCalls: ({ status = 500, action, times, ...error }) =>
      add({ kind: 'fail', status, error }, pick(action, times)),
    failEntries: ({ when, action, times, ...error }) =>
      add({ kind: 'entries', when, error }, pick(action, times)),
    delayAnswers: ({ milliseconds, ...which }) => add({ kind: 'delay', milliseconds }, which),
    dropAnswers: which => add({ kind: 'drop' }, which),
    leaveUnanswered: which => add({ kind: 'silence' }, which),
    goDown: close,
    comeUp: () => listen(port),
    clear() {
      active = []
      calls.length = 0
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

/** Has the emulator answer the call, or what is left of it once the failing entries are taken out. */
async function forward(
  target: string,
  request: IncomingMessage,
  call: AwsCall,
  fault: Extract<Change, { kind: 'entries' }> | undefined,
): Promise<Answer> {
  const failing = new Set(fault ? call.entries.filter(fault.when).map(entry => entry.id) : [])
  let answer: Answer = {
    status: 200,
    headers: { 'content-type': contentType(call) },
    body: emptyBatchAnswer(call),
  }
  if (failing.size === 0 || failing.size < call.entries.length) {
    const body = failing.size === 0 ? call.body : withoutEntries(call, failing)
    const headers = Object.fromEntries(
      ['content-type', 'x-amz-target', 'authorization', 'x-amz-date', 'x-amzn-query-mode']
        .map(name => [name, header(request, name)])
        .filter((pair): pair is [string, string] => pair[1] !== undefined),
    )
    const response = await fetch(new URL(request.url ?? '/', target), { method: 'POST', headers, body })
    const kept = ['content-type', 'x-amzn-query-error', 'x-amz-request-id', 'x-amzn-requestid']
    answer = {
      status: response.status,
      headers: Object.fromEntries([...response.headers].filter(([name]) => kept.includes(name))),
      body: await response.text(),
    }
  }
  if (!fault || answer.status !== 200) return answer
  return { ...answer, body: withFailed(call, answer.body, failing, fault.error) }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}

function pick(action: string | undefined, times: number | undefined): Which {
  return { ...(action !== undefined && { action }), ...(times !== undefined && { times }) }
}
