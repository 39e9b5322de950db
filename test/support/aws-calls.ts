/**
 * What a fault needs to know of AWS's two wire protocols: SQS speaks JSON (AWS JSON 1.0), SNS the Query protocol
 * (a form in, XML out). A call is read here, its batch entries taken out of it, and an answer written for it.
 */

export interface AwsCall {
  /** E.g. SendMessageBatch. */
  readonly action: string
  readonly protocol: 'json' | 'query'
  readonly body: string
  /** The entries of a batch; none for other calls. */
  readonly entries: readonly BatchEntry[]
}

export interface BatchEntry {
  readonly id: string
  /** The message's text; the receipt handle where the call has no message. */
  readonly body: string
  readonly groupId: string | undefined
}

/** How an entry or a whole call fails. */
export interface AwsError {
  /** E.g. InternalError, Throttling, QueueDoesNotExist. */
  readonly code: string
  readonly message?: string
}

export interface EntryError extends AwsError {
  readonly senderFault?: boolean
}

interface JsonBatch {
  Entries?: { Id: string; MessageBody?: string; ReceiptHandle?: string; MessageGroupId?: string }[]
}

const entryField = /^PublishBatchRequestEntries\.member\.(\d+)\.(.+)$/

export function readCall(target: string | undefined, body: string): AwsCall {
  if (target === undefined) {
    const form = new URLSearchParams(body)
    const entries = [...queryEntries(form).values()].map(fields => ({
      id: fields.get('Id') ?? '',
      body: fields.get('Message') ?? '',
      groupId: fields.get('MessageGroupId'),
    }))
    return { action: form.get('Action') ?? '', protocol: 'query', body, entries }
  }
  const entries = ((JSON.parse(body || '{}') as JsonBatch).Entries ?? []).map(entry => ({
    id: entry.Id,
    body: entry.MessageBody ?? entry.ReceiptHandle ?? '',
    groupId: entry.MessageGroupId,
  }))
  return { action: target.split('.').at(-1) ?? '', protocol: 'json', body, entries }
}

/** The call's body without some of its entries. */
export function withoutEntries({ protocol, body }: AwsCall, ids: ReadonlySet<string>): string {
  if (protocol === 'json') {
    const batch = JSON.parse(body) as JsonBatch
    return JSON.stringify({ ...batch, Entries: batch.Entries?.filter(entry => !ids.has(entry.Id)) })
  }
  const form = new URLSearchParams(body)
  const kept = new URLSearchParams([...form].filter(([name]) => !entryField.test(name)))
  let number = 0
  for (const fields of queryEntries(form).values()) {
    if (ids.has(fields.get('Id') ?? '')) continue
    number++
    for (const [field, value] of fields)
      kept.append(`PublishBatchRequestEntries.member.${number}.${field}`, value)
  }
  return kept.toString()
}

/** The answer to a batch of which every entry that was forwarded is in `answer`, and these failed. */
export function withFailed(
  call: AwsCall,
  answer: string,
  ids: ReadonlySet<string>,
  { code, message = code, senderFault = false }: EntryError,
): string {
  if (call.protocol === 'json') {
    const result = JSON.parse(answer) as { Failed?: unknown[] }
    const failed = [...ids].map(Id => ({ Id, SenderFault: senderFault, Code: code, Message: message }))
    return JSON.stringify({ ...result, Failed: [...(result.Failed ?? []), ...failed] })
  }
  const failed = [...ids].map(
    id =>
      `<member><Id>${id}</Id><Code>${code}</Code><Message>${message}</Message>` +
      `<SenderFault>${senderFault}</SenderFault></member>`,
  )
  return answer.replace(/<Failed\s*\/>|<Failed>(.*?)<\/Failed>/s, `<Failed>$1${failed.join('')}</Failed>`)
}

/** The answer to a batch of which nothing was forwarded. */
export function emptyBatchAnswer({ protocol, action }: AwsCall): string {
  if (protocol === 'json') return JSON.stringify({ Successful: [], Failed: [] })
  return (
    `<${action}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><${action}Result>` +
    `<Successful></Successful><Failed></Failed></${action}Result>` +
    `<ResponseMetadata><RequestId>fault</RequestId></ResponseMetadata></${action}Response>`
  )
}

export function contentType({ protocol }: AwsCall): string {
  return protocol === 'json' ? 'application/x-amz-json-1.0' : 'text/xml'
}

/** The body of an answer that fails the whole call. */
export function errorAnswer(
  { protocol }: AwsCall,
  { code, message = code }: AwsError,
  status: number,
): string {
  if (protocol === 'json') return JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message })
  return (
    `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error>` +
    `<Type>${status < 500 ? 'Sender' : 'Receiver'}</Type><Code>${code}</Code><Message>${message}</Message>` +
    `</Error><RequestId>fault</RequestId></ErrorResponse>`
  )
}

function queryEntries(form: URLSearchParams): Map<string, Map<string, string>> {
  const entries = new Map<string, Map<string, string>>()
  for (const [name, value] of form) {
    const [, number, field] = entryField.exec(name) ?? []
    if (number === undefined || field === undefined) continue
    const fields = entries.get(number) ?? new Map<string, string>()
    entries.set(number, fields.set(field, value))
  }
  return entries
}
