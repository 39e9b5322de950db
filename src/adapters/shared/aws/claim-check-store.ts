import { SinkUnavailable } from '../../../core/errors.ts'
import { untilAborted } from '../within.ts'
import type { Claim } from './claim-check.ts'
import { type Bucket, openBucket } from './claim-check-bucket.ts'
import type { ClaimCheckTo } from './claim-check-options.ts'
import type { AwsConnection } from './connection.ts'
import type { AwsConnectionOptions } from './options.ts'
import { Slots } from './slots.ts'

/** A message whose body may have to be stored first. */
export interface Claiming {
  readonly claim?: Claim
  readonly group?: string
}

/** Needs s3:PutObject and s3:ListBucket; undefined where there is no claim check. */
export async function openClaimStore(
  connection: AwsConnection,
  options: AwsConnectionOptions,
  own: {
    readonly claim_check?: ClaimCheckTo | undefined
    readonly send_timeout: number
    readonly concurrency: number
  },
): Promise<ClaimStore | undefined> {
  const { claim_check, send_timeout, concurrency } = own
  if (!claim_check) return undefined
  return new ClaimStore(await openBucket(connection, options, claim_check, send_timeout), concurrency)
}

/** Stores the body of a message before the message goes on, and keeps messages of a group in their order meanwhile. */
export class ClaimStore {
  readonly #bucket: Bucket
  readonly #slots: Slots
  /** The last message of each group that is waiting here; the next one goes on after it. */
  readonly #last = new Map<string, Promise<void>>()

  constructor(bucket: Bucket, concurrency: number) {
    this.#bucket = bucket
    this.#slots = new Slots(concurrency)
  }

  check(signal: AbortSignal): Promise<void> {
    return this.#bucket.check(signal)
  }

  /** Calls `send` once the object is stored; at once where there is none, and none before it in its group. */
  send(prepared: Claiming, signal: AbortSignal, send: () => Promise<object>): Promise<object> {
    const { claim, group } = prepared
    const before = group === undefined ? undefined : this.#last.get(group)
    if (claim === undefined && before === undefined) return send()
    const { promise: gone, resolve: leave } = Promise.withResolvers<void>()
    if (group !== undefined) {
      this.#last.set(group, gone)
      void gone.then(() => this.#last.get(group) === gone && this.#last.delete(group))
    }
    return untilAborted(this.#inTurn(claim, before, signal, send, leave), signal)
  }

  async #inTurn(
    claim: Claim | undefined,
    before: Promise<void> | undefined,
    signal: AbortSignal,
    send: () => Promise<object>,
    leave: () => void,
  ): Promise<object> {
    let sent: Promise<object>
    try {
      if (claim) await this.#store(claim, signal)
      await before
      signal.throwIfAborted()
      sent = send()
    } finally {
      leave()
    }
    return sent
  }

  /** One that fails is a call that failed, for the breaker: the bucket is the same for all messages. */
  async #store({ key, text }: Claim, signal: AbortSignal): Promise<void> {
    await this.#slots.taken()
    try {
      signal.throwIfAborted()
      await this.#bucket.calls.put({
        key,
        content: Buffer.from(text),
        // As the Java writers have it.
        contentType: 'text/plain; charset=UTF-8',
      })
    } catch (error) {
      if (signal.aborted) throw signal.reason
      const meant = this.#bucket.judge('s3:PutObject').call(error)
      if (meant instanceof SinkUnavailable) throw meant
      throw new SinkUnavailable(`S3 did not take the object ${key}`, { cause: error })
    } finally {
      this.#slots.giveBack()
    }
  }
}
