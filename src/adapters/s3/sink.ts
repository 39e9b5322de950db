import { randomUUID } from 'node:crypto'
import type { Endpoint, LinkContext, Sink } from '../../core/adapter.ts'
import { LinkLost } from '../../core/errors.ts'
import { type Bucket, openBucket } from '../shared/aws/claim-check-bucket.ts'
import { withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { Slots } from '../shared/aws/slots.ts'
import { untilAborted } from '../shared/within.ts'
import type { S3Prepared } from './codec.ts'
import type { S3SinkOptions } from './options.ts'
import { usualLimits } from './show.ts'

/** Finds the bucket. Needs s3:ListBucket beside s3:PutObject. */
export function openSink(
  { connection: options, options: own }: Endpoint<AwsConnectionOptions, S3SinkOptions>,
  { signal }: LinkContext,
): Promise<Sink<S3Prepared>> {
  return withAws(options, signal, async (connection, release) => {
    const bucket = await openBucket(connection, options, own, own.send_timeout)
    return new S3Sink(bucket, own, release)
  })
}

/** Over HTTP there is no link that could die, so `closed` resolves when `close()` is done and not before. */
class S3Sink implements Sink<S3Prepared> {
  readonly limits = usualLimits()
  readonly closed: Promise<undefined>
  readonly #bucket: Bucket
  readonly #prefix: string
  readonly #slots: Slots
  readonly #release: () => Promise<void>
  readonly #resolveClosed: () => void
  readonly #ending = new AbortController()
  /** What is sent again goes under the same key, with the time of its first sending. */
  readonly #keys = new WeakMap<S3Prepared, string>()

  constructor(bucket: Bucket, { prefix, concurrency }: S3SinkOptions, release: () => Promise<void>) {
    this.#bucket = bucket
    this.#prefix = prefix
    this.#slots = new Slots(concurrency)
    this.#release = release
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.closed = promise
    this.#resolveClosed = () => resolve(undefined)
  }

  send(prepared: S3Prepared, signal: AbortSignal): Promise<object> {
    const over = AbortSignal.any([signal, this.#ending.signal])
    return untilAborted(this.#put(prepared, over), over)
  }

  check(signal: AbortSignal): Promise<void> {
    return this.#bucket.check(signal)
  }

  async close(): Promise<void> {
    this.#ending.abort(new LinkLost('the sink is closed'))
    await this.#release()
    this.#resolveClosed()
  }

  async #put(prepared: S3Prepared, over: AbortSignal): Promise<object> {
    await this.#slots.taken()
    try {
      over.throwIfAborted()
      await this.#bucket.calls.put({ ...prepared.object, key: this.#keyOf(prepared) })
      return {}
    } catch (error) {
      over.throwIfAborted()
      throw this.#bucket.judge('s3:PutObject').call(error)
    } finally {
      this.#slots.giveBack()
    }
  }

  #keyOf(prepared: S3Prepared): string {
    const known = this.#keys.get(prepared)
    if (known !== undefined) return known
    const time = new Date().toISOString().replace(/[:.]/g, '-')
    const key = `${this.#prefix}${time}-${prepared.id ?? randomUUID()}`
    this.#keys.set(prepared, key)
    return key
  }
}
