import { MessageRefused, SinkUnavailable, sentence, toError } from '../../../core/errors.ts'
import type { EntryFailure } from './calls.ts'

/** The message chose a place that is not there, or not ours to use; all that go there are refused. */
export class PlaceRefused extends MessageRefused {}

/** What was being done, for the sentences of errors. */
export interface Doing {
  readonly service: 'SQS' | 'SNS' | 'S3'
  /** As IAM names it, e.g. `sqs:SendMessage`. */
  readonly action: string
  /** As people configured it, e.g. `queue orders.fifo`. */
  readonly target: string
  /** E.g. `region eu-west-1`, or the endpoint when one is configured. */
  readonly where: string
}

/**
 * What an error of a call, or the failure of one entry, means for the message and for the target. AWS publishes no
 * closed list of codes. The class of the SDK, the code of the older query protocol with its prefix and the names that
 * emulators send are all looked at.
 */
export interface Judge {
  /** SinkUnavailable, MessageRefused (what a call with one entry means for it), or the error itself when nobody knows it. */
  call(thrown: unknown): Error
  entry(failure: EntryFailure): MessageRefused | SinkUnavailable
  /** For the entries that an answer does not mention. */
  unmentioned(): SinkUnavailable
}

const throttled = /Throttl|TooManyRequests|RequestLimitExceeded|OverLimit|SlowDown/i
const failing =
  /Internal(Server)?(Error|Failure)|ServiceUnavailable|RequestTimeout|RequestTimeTooSkewed|RequestExpired/
const denied = /AccessDenied|AuthorizationError|NotAuthorized|InvalidSecurity|OptInRequired/
const unidentified =
  /ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken|InvalidAccessKeyId|InvalidToken/
const missing =
  /NonExistentQueue|QueueDoesNotExist|QueueDeletedRecently|^NotFound|ResourceNotFound|InvalidAddress|NoSuchBucket/
const encryption = /^kms/i
/** S3 of another region than the bucket's. */
const elsewhere = /PermanentRedirect|^Redirect$|AuthorizationHeaderMalformed|IllegalLocationConstraint/
const badMessage =
  /ReceiptHandle|MessageNotInflight|InvalidMessageContents|InvalidParameter|MissingParameter|MissingRequiredParameter|InvalidAttribute|BatchRequestTooLong|UnsupportedOperation|ValidationError/
/** System errors of Node's sockets and DNS, those of undici, and those of TLS. */
const network =
  /^(E(?!RR_)[A-Z_]+|UND_ERR_.*|HTTPParserError|ERR_(TLS|SSL)_.*|CERT_.*|DEPTH_ZERO_.*|SELF_SIGNED_.*|UNABLE_TO_.*|HPE_.*)$/

/** Its text for people, when the target or the way to it is at fault. */
function fault(codes: readonly string[], status: number | undefined, doing: Doing): string | undefined {
  const { service, action, target, where } = doing
  const is = (pattern: RegExp) => codes.some(code => pattern.test(code))
  // The SDK names these TimeoutError as well.
  if (is(/^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/)) {
    return `the connection to ${service} was lost before it answered (${action} on ${target} in ${where})`
  }
  if (is(/^(TimeoutError|AbortError|UND_ERR_(HEADERS|BODY)_TIMEOUT)$/))
    return `${service} did not answer in time (${action} on ${target} in ${where})`
  if (is(/^(CredentialsProviderError|TokenProviderError)$/)) {
    return 'no AWS credentials were found: set AWS_PROFILE or AWS_ACCESS_KEY_ID, or give the process a role'
  }
  if (is(missing)) return `${target} does not exist in ${where}`
  if (is(elsewhere) || (service === 'S3' && status === 301))
    return `${target} is not in the region of its connection (${action} in ${where})`
  if (is(encryption)) return `the KMS key of ${target} cannot be used`
  if (is(unidentified)) return `AWS does not accept the credentials in ${where} (${action} on ${target})`
  if (is(denied)) return `AWS denied access to ${target} in ${where}: it needs ${action} to be allowed`
  if (is(throttled)) return `${service} throttles ${action} on ${target}`
  if (is(failing)) return `${service} fails (${action} on ${target})`
  if (is(/^UnreadableAnswer$/) || (status !== undefined && status >= 300 && status < 400)) {
    return `what answers in ${where} is not ${service} (${action} on ${target})`
  }
  if (is(network)) return `${service} cannot be reached in ${where} (${action} on ${target})`
  // A code says more than a status: SQS answers 404 to a receipt handle that expired.
  if (status === undefined || is(badMessage)) return undefined
  if (status === 401 || status === 403) return `AWS denied ${action} on ${target} in ${where}`
  if (status >= 500 || status === 404 || status === 408 || status === 429)
    return `${service} answered ${status} to ${action} on ${target}`
  return undefined
}

/** `isChosen`: the message chose the target (a template), and is at fault when the target is not there or denied. */
export function judge(doing: Doing, isChosen = false): Judge {
  return {
    call(thrown) {
      const error = toError(thrown)
      const codes = codesOf(error)
      const text = fault(codes, statusOf(error), doing)
      if (text !== undefined) {
        if (isChosen && isOfPlace(codes)) return new PlaceRefused(text, { cause: error })
        return new SinkUnavailable(text, { cause: error, ...throttling(codes, error) })
      }
      if (!codes.some(code => badMessage.test(code))) return error
      return new MessageRefused(`${doing.target} refused the message: ${codes[0]}: ${error.message}`, {
        cause: error,
      })
    },
    entry({ code, message, senderFault }) {
      const text = fault([bare(code)], undefined, doing)
      const said = `${bare(code)}: ${message}`
      if (text !== undefined) {
        if (isChosen && isOfPlace([bare(code)])) return new PlaceRefused(`${text}: ${said}`)
        return new SinkUnavailable(`${text}: ${said}`, throttling([bare(code)]))
      }
      // A fault of the service by its own word; throttling was looked at before, since it can come as the sender's.
      if (!senderFault) return new SinkUnavailable(`${doing.service} failed on ${doing.target}: ${said}`)
      return new MessageRefused(`${doing.target} refused the message: ${said}`)
    },
    unmentioned: () =>
      new SinkUnavailable(
        `${doing.service}'s answer does not say what became of a message for ${doing.target}`,
      ),
  }
}

/** The error of opening or checking, as a sentence with what was tried. */
export function openError(thrown: unknown, doing: Doing): Error {
  const error = toError(thrown)
  if (/Region is missing/.test(error.message)) {
    return new Error(`no AWS region for ${doing.target}: set region on the connection, or AWS_REGION`, {
      cause: error,
    })
  }
  const text = fault(codesOf(error), statusOf(error), doing) ?? `${doing.action} on ${doing.target} failed`
  return new Error(`${text}: ${sentence(error)}`, { cause: error })
}

/** Does the error of a call say that there is no such queue or topic? */
export const isMissing = (thrown: unknown): boolean =>
  codesOf(toError(thrown)).some(code => missing.test(code))

/** Is a place at fault, and not the service, the credentials or the way there? */
const isOfPlace = (codes: readonly string[]): boolean =>
  codes.some(code => missing.test(code) || denied.test(code) || encryption.test(code)) &&
  !codes.some(code => unidentified.test(code) || throttled.test(code))

/** Does it say anything of what was asked for, so that the service was there and took the credentials? */
export function isAnswered(thrown: unknown): boolean {
  const codes = codesOf(toError(thrown))
  return isOfPlace(codes) || codes.some(code => badMessage.test(code))
}

/** Is it too much at a time, and did the answer say for how long to wait? */
function throttling(codes: readonly string[], error?: Error) {
  if (!codes.some(code => throttled.test(code)) && statusOf(error) !== 429) return {}
  return { throttled: true, retryAfter: retryAfterOf(error) }
}

/** Milliseconds, from `Retry-After` (RFC 9110, 10.2.3: seconds, or a date) or the `x-amz-retry-after` of AWS (milliseconds). */
function retryAfterOf(error: Error | undefined): number | undefined {
  const { headers = {} } = (error as { $response?: { headers?: Record<string, unknown> } })?.$response ?? {}
  const own = Number(headers['x-amz-retry-after'])
  if (own > 0) return own
  const said = headers['retry-after']
  if (typeof said !== 'string') return undefined
  const after = Number.isNaN(Number(said)) ? Date.parse(said) - Date.now() : Number(said) * 1_000
  return after > 0 ? after : undefined
}

/** The names an error goes by, most telling first. */
function codesOf(error: Error): string[] {
  const { Code, code } = error as { Code?: unknown; code?: unknown }
  return [error.name, Code, code].filter(c => typeof c === 'string').map(bare)
}

const bare = (code: string): string => code.replace(/^(AWS\.SimpleQueueService\.|.*#)/, '')

/** The HTTP status, also when the answer could not be read. */
function statusOf(error: Error | undefined): number | undefined {
  const { $metadata, $response } = (error ?? {}) as {
    $metadata?: { httpStatusCode?: number }
    $response?: { statusCode?: number }
  }
  return $metadata?.httpStatusCode ?? $response?.statusCode
}
