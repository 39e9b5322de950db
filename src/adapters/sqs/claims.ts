import type { MessageRefused } from '../../core/errors.ts'
import type { ReceivedAttribute, SqsReceived } from '../shared/aws/calls.ts'
import { type Pointer, pointerIn, withoutSize } from '../shared/aws/claim-check.ts'
import { Fetches, type Fetching } from '../shared/aws/claim-check-fetch.ts'
import type { ClaimCheckFrom } from '../shared/aws/claim-check-options.ts'
import { unreadable } from './codec.ts'
import type { SqsSourceOptions } from './options.ts'
import type { Held } from './visibility.ts'

/** What came of a message's pointer. */
export interface Claimed {
  /** With its body where there is one, else as it came. */
  readonly received: SqsReceived
  readonly pointer?: Pointer
  readonly fault?: MessageRefused
}

/** Gives messages the bodies that they only point to, before they are handed over. */
export class Claims {
  readonly #options: SqsSourceOptions
  readonly #check: ClaimCheckFrom
  readonly #fetches: Fetches

  constructor(options: SqsSourceOptions, check: ClaimCheckFrom, fetching: Fetching) {
    this.#options = options
    this.#check = check
    this.#fetches = new Fetches(fetching)
  }

  /** There may be room again. */
  look(): void {
    this.#fetches.look()
  }

  /** Nothing is delivered from now on. */
  stop(): void {
    this.#fetches.stop()
  }

  /** The message with this pointer was deleted. */
  deleted(pointer: Pointer | undefined): void {
    if (pointer && this.#check.delete) this.#fetches.delete(pointer)
  }

  /** Resolves once no object is being deleted. */
  ended(): Promise<void> {
    return this.#fetches.ended()
  }

  /** Calls `deliver` at once, or once there is the body and all before it in its FIFO group are delivered; never when it is lost. */
  take(received: SqsReceived, held: Held, deliver: (claimed: Claimed) => void): void {
    const group = this.#options.queue.endsWith('.fifo') ? held.group : undefined
    const found = this.#find(received)
    const { pointer } = found
    const done = (body: string | MessageRefused | undefined) => {
      if (typeof body !== 'string') deliver(body ? { received, fault: body } : found)
      else deliver({ received: this.#withBody(received, body), ...(pointer && { pointer }) })
    }
    if (!pointer && !this.#fetches.isBehind(group)) deliver(found)
    else this.#fetches.add({ pointer, group, lost: held.lost.signal, done })
  }

  #find(received: SqsReceived): Claimed {
    try {
      const { body, attributes } =
        this.#options.body === 'raw' ? inMessage(received) : inNotification(received)
      const pointer = pointerIn(body, attributes, this.#check)
      return { received, ...(pointer && { pointer }) }
    } catch (error) {
      return { received, fault: unreadable(error) }
    }
  }

  #withBody(received: SqsReceived, body: string): SqsReceived {
    if (this.#options.body === 'raw')
      return { ...received, Body: body, MessageAttributes: withoutSize(received.MessageAttributes ?? {}) }
    const { MessageAttributes = {}, ...json } = parsed(received.Body)
    const rest = withoutSize(MessageAttributes)
    return { ...received, Body: JSON.stringify({ ...json, Message: body, MessageAttributes: rest }) }
  }
}

interface Found {
  readonly body: string
  readonly attributes: Readonly<Record<string, ReceivedAttribute>>
}

const inMessage = ({ Body = '', MessageAttributes = {} }: SqsReceived): Found => ({
  body: Body,
  attributes: MessageAttributes,
})

/** Anything that is no notification has no pointer here, and is found out when it is decoded. */
function inNotification({ Body }: SqsReceived): Found {
  const { Message, MessageAttributes } = parsed(Body)
  const attributes = Object.entries(MessageAttributes ?? {}).map(([name, attribute]) => [
    name,
    { StringValue: textOf((attribute as { readonly Value?: unknown } | null)?.Value) },
  ])
  return { body: textOf(Message), attributes: Object.fromEntries(attributes) }
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

interface Notification {
  readonly Message?: unknown
  readonly MessageAttributes?: Readonly<Record<string, object>>
}

function parsed(body = ''): Notification {
  try {
    const json: unknown = JSON.parse(body)
    return typeof json === 'object' && json !== null ? json : {}
  } catch {
    return {}
  }
}
