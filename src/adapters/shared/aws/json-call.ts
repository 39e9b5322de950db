import type { SQSClient } from '@aws-sdk/client-sqs'
import type { Dispatcher } from 'undici'

/** The parts of an SDK client that a call here borrows: how it signs, where it sends and what it knows of the clock. */
type Borrowed = Pick<SQSClient, 'config' | 'middlewareStack'>

interface Place {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly headers: Record<string, string>
}

type Signer = Awaited<ReturnType<SQSClient['config']['signer']>>

/** From this difference on, AWS takes a request for a replay (as in the SDK). */
const clockTolerance = 300_000

/**
 * A call of the AWS JSON 1.0 protocol whose serialising and HTTP are done here, at less than half of the SDK's CPU
 * (docs/decisions/0009). Rules of endpoints, regions and credentials stay the SDK's: a call goes where the client sent
 * its last one and is signed by its signer.
 */
export class JsonCall {
  readonly #client: Borrowed
  readonly #http: Dispatcher
  readonly #timeLimit: number
  #place: Place | undefined
  #signer: Promise<Signer> | undefined

  /** `timeLimit`, milliseconds, is that of connecting, of the answer's headers and of each pause in its body. */
  constructor(client: Borrowed, http: Dispatcher, timeLimit: number) {
    this.#client = client
    this.#http = http
    this.#timeLimit = timeLimit
    client.middlewareStack.add(
      next => args => {
        this.#place = args.request as Place
        return next(args)
      },
      { step: 'deserialize', name: 'placeMiddleware' },
    )
  }

  /** Throws what the SDK would: an error with the name, code and status that the service gave, or that of the socket. */
  async send(target: string, input: object): Promise<object> {
    if (this.#place === undefined) throw new Error('the client has made no call that this one could follow')
    const { protocol, hostname, port, path, headers: before } = this.#place
    const host = port === undefined ? hostname : `${hostname}:${port}`
    const body = JSON.stringify(input)
    this.#signer ??= this.#client.config.signer(scopeOf(before))
    const { config } = this.#client
    const signed = await (await this.#signer).sign(
      {
        method: 'POST',
        protocol,
        hostname,
        ...(port !== undefined && { port }),
        path,
        headers: { host, 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target },
        body,
      },
      { signingDate: new Date(Date.now() + config.systemClockOffset) },
    )
    const answer = await this.#http.request({
      origin: `${protocol}//${host}`,
      method: 'POST',
      path,
      headers: signed.headers,
      body,
      headersTimeout: this.#timeLimit,
      bodyTimeout: this.#timeLimit,
    })
    const text = await answer.body.text()
    if (answer.statusCode === 200) return parsed(text, answer.statusCode)
    this.#lookAtClock(answer.headers.date)
    throw failure(answer.statusCode, answer.headers['x-amzn-query-error'], text)
  }

  #lookAtClock(date: string | string[] | undefined): void {
    const theirs = Date.parse(String(date))
    const { config } = this.#client
    if (Math.abs(theirs - Date.now() - config.systemClockOffset) < clockTolerance || Number.isNaN(theirs))
      return
    config.systemClockOffset = theirs - Date.now()
  }
}

/** Region and service as the SDK signed for them, from `Credential=<key>/<date>/<region>/<service>/aws4_request`. */
function scopeOf(headers: Record<string, string>) {
  const [, signingRegion, signingName] =
    /Credential=[^,]*\/\d{8}\/([^/,]+)\/([^/,]+)\/aws4_request/.exec(headers.authorization ?? '') ?? []
  if (signingRegion === undefined || signingName === undefined)
    throw new Error('the SDK signed by other rules than SigV4')
  return { name: 'sigv4', signingRegion, signingName, properties: {} }
}

function parsed(text: string, httpStatusCode: number): object {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null) return answer
  } catch {
    // The error below says it.
  }
  throw Object.assign(new Error(`an answer that is no JSON object: ${JSON.stringify(text.slice(0, 200))}`), {
    $metadata: { httpStatusCode },
  })
}

/** In the shape of the SDK's exceptions: `name` from `__type`, `Code` from the header for users of the query protocol. */
function failure(httpStatusCode: number, queryError: string | string[] | undefined, text: string): Error {
  const { __type, message, Message } = failureBody(text)
  const said = message ?? Message ?? `HTTP status ${httpStatusCode}: ${JSON.stringify(text.slice(0, 200))}`
  const [Code] = String(queryError ?? '').split(';')
  return Object.assign(new Error(String(said)), {
    ...(__type !== undefined && { name: String(__type).replace(/^.*#/, '') }),
    ...(Code !== '' && { Code }),
    $metadata: { httpStatusCode },
  })
}

function failureBody(text: string): { __type?: unknown; message?: unknown; Message?: unknown } {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
