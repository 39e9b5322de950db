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

type AnswerHeaders = Dispatcher.ResponseData['headers']

/** The name of the error for an answer that no AWS service gives. */
export const unreadable = 'UnreadableAnswer'

/** The second asks for the error codes of the older query protocol beside those of this one. */
const always = { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-query-mode': 'true' }

type Signer = Awaited<ReturnType<SQSClient['config']['signer']>>

/**
 * A call of the AWS JSON 1.0 protocol whose serialising and HTTP are done here, at half of the SDK's CPU
 * (docs/decisions/0009). Rules of endpoints, regions and credentials stay the SDK's: a call goes where the client sent
 * its last one and is signed by its signer.
 */
export class JsonCall {
  readonly #client: Borrowed
  readonly #http: Dispatcher
  #place: Place | undefined
  #signer: Promise<Signer> | undefined

  constructor(client: Borrowed, http: Dispatcher) {
    this.#client = client
    this.#http = http
    client.middlewareStack.add(
      next => args => {
        this.#place = args.request as Place
        return next(args)
      },
      { step: 'deserialize', name: 'placeMiddleware' },
    )
  }

  /**
   * Throws what the SDK would: an error with the name, code and status that the service gave, or that of the socket.
   * `timeLimit`, milliseconds, is that of the answer's headers and of each pause in its body; nothing goes on when the
   * signal is aborted.
   */
  async send(target: string, input: object, timeLimit: number, signal: AbortSignal): Promise<object> {
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
        headers: { ...always, host, 'x-amz-target': target },
        body,
      },
      { signingDate: new Date(Date.now() + config.systemClockOffset) },
    )
    signal.throwIfAborted()
    const answer = await this.#http.request({
      origin: `${protocol}//${host}`,
      method: 'POST',
      path,
      headers: signed.headers,
      body,
      headersTimeout: timeLimit,
      bodyTimeout: timeLimit,
      signal,
    })
    const text = await answer.body.text()
    if (answer.statusCode >= 200 && answer.statusCode < 300) return parsed(text, answer.statusCode)
    this.#lookAtClock(answer.headers)
    throw failure(answer.statusCode, answer.headers, text)
  }

  /** A cached answer knows nothing of the time. */
  #lookAtClock({ date, age }: AnswerHeaders): void {
    const theirs = Date.parse(String(date))
    if (age === undefined && !Number.isNaN(theirs)) {
      this.#client.config.systemClockOffset = theirs - Date.now()
    }
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
    name: unreadable,
    $metadata: { httpStatusCode },
  })
}

/**
 * In the shape of the SDK's exceptions: `name` from wherever services put it (`x-amzn-errortype`, `code`, `__type`), and
 * `Code` as the older query protocol has it.
 */
function failure(httpStatusCode: number, headers: AnswerHeaders, text: string): Error {
  const { __type, code, message, Message } = failureBody(text)
  const said = message ?? Message ?? `HTTP status ${httpStatusCode}: ${JSON.stringify(text.slice(0, 200))}`
  const name = headers['x-amzn-errortype'] ?? code ?? __type
  const [Code] = String(headers['x-amzn-query-error'] ?? '').split(';')
  const error = Object.assign(new Error(String(said)), {
    ...(name !== undefined && { name: String(name).replace(/:.*$/, '').replace(/^.*#/, '') }),
    ...(Code !== '' && { Code }),
    $metadata: { httpStatusCode },
  })
  // Not enumerable, as the SDK has it, so that no log shows it.
  return Object.defineProperty(error, '$response', { value: { statusCode: httpStatusCode, headers } })
}

function failureBody(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
