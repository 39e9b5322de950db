import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { SQSClient, SQSClientConfig } from '@aws-sdk/client-sqs'
import { Agent } from 'undici'
import { type Lease, SharedConnections } from '../shared-connections.ts'
import type { AwsConnectionOptions } from './options.ts'

/** Milliseconds until a socket is connected, TLS included. */
const connectLimit = 5_000

/** As shared/tls.ts has it; said, since NODE_TLS_REJECT_UNAUTHORIZED turns off what is left to the default. */
const verified = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const

type Shared = Pick<
  SQSClientConfig,
  'region' | 'endpoint' | 'credentials' | 'maxAttempts' | 'logger' | 'cacheMiddleware' | 'requestHandler'
>

/**
 * What all clients of one connection share: sockets and credentials. Each sink has an SDK client of its own, since
 * the SDK keeps the resolved endpoint and the time limit with the client (`cacheMiddleware` shares one context among
 * concurrent calls, which is right only where all of them go to one place).
 */
export class AwsConnection {
  readonly closed: Promise<undefined>
  /** For calls past the SDK. As many sockets as calls; HTTP/1.1 like the SDK's. */
  readonly http = new Agent({
    connect: { timeout: connectLimit, ...verified },
    allowH2: false,
    // Ten messages of a mebibyte each, most of their characters escaped.
    maxResponseSize: 67_108_864,
  })
  readonly #options: AwsConnectionOptions
  /** Each sink bounds its calls, so no call ever waits for a socket. */
  readonly #httpAgent = new HttpAgent({ keepAlive: true })
  readonly #httpsAgent = new HttpsAgent({ keepAlive: true, ...verified })
  readonly #close: () => void
  #credentials: SQSClientConfig['credentials']

  constructor(options: AwsConnectionOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.closed = promise
    this.#close = () => resolve(undefined)
    if (options.access_key_id !== undefined && options.secret_access_key !== undefined) {
      this.#credentials = {
        accessKeyId: options.access_key_id,
        secretAccessKey: options.secret_access_key.reveal(),
      }
    }
  }

  /** Of the default chain's credentials the first client's are used by all, so that they are fetched once. */
  adopt(credentials: SQSClient['config']['credentials']): void {
    this.#credentials ??= credentials
  }

  /** What an SDK client of this connection is made with. */
  config(timeLimit: number): Shared {
    const { region, endpoint } = this.#options
    return {
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      ...(this.#credentials !== undefined && { credentials: this.#credentials }),
      // The route tries again and its breaker counts: an SDK that retries in silence hides an outage from both.
      maxAttempts: 1,
      cacheMiddleware: true,
      logger: silent,
      requestHandler: {
        httpAgent: this.#httpAgent,
        httpsAgent: this.#httpsAgent,
        connectionTimeout: Math.min(connectLimit, timeLimit),
        requestTimeout: timeLimit,
        // Else the SDK only logs that the time has passed.
        throwOnRequestTimeout: true,
        socketTimeout: timeLimit,
      },
    }
  }

  async close(): Promise<void> {
    this.#httpAgent.destroy()
    this.#httpsAgent.destroy()
    await this.http.destroy()
    this.#close()
  }
}

const connections = new SharedConnections<AwsConnectionOptions, AwsConnection>()

/** One for all sinks that share the connection options object; the last to release closes its sockets. */
export const leaseAws = (options: AwsConnectionOptions, signal: AbortSignal): Promise<Lease<AwsConnection>> =>
  connections.lease(options, async () => new AwsConnection(options), signal)

/**
 * A time limit for all of a call: those of the SDK and of sockets end at the answer's headers and do not cover finding
 * credentials. Then the signal is aborted, so that nothing of the call goes on.
 */
export function bounded<T>(timeLimit: number, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const given = new AbortController()
  const timer = setTimeout(() => {
    const error = Object.assign(new Error(`no answer within ${timeLimit / 1000} s`), { name: 'TimeoutError' })
    reject(error)
    given.abort(error)
  }, timeLimit)
  call(given.signal)
    .then(resolve, reject)
    .finally(() => clearTimeout(timer))
  return promise
}

const mute = () => {}
/** Everything the SDK has to say comes as an error or a result. */
const silent = { trace: mute, debug: mute, info: mute, warn: mute, error: mute }
