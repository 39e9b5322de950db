/**
 * All that sinks and sources ask of AWS. Entries,
 * attributes and names are spelled as the AWS API spells them, so that they go on the wire as they are.
 */

export interface Attribute {
  /** `String`, `Number` or `Binary`, with a label of our own after a dot or without. */
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: Uint8Array
}

export type Attributes = Readonly<Record<string, Attribute>>

interface FifoIds {
  readonly MessageGroupId?: string
  readonly MessageDeduplicationId?: string
}

export interface SqsEntry extends FifoIds {
  readonly MessageBody: string
  readonly DelaySeconds?: number
  readonly MessageAttributes?: Attributes
  /** There is no other that can be sent; it is none of the ten, and its bytes do not count. */
  readonly MessageSystemAttributes?: { readonly AWSTraceHeader: Attribute }
}

export interface SnsEntry extends FifoIds {
  readonly Message: string
  readonly Subject?: string
  readonly MessageAttributes?: Attributes
}

/** What AWS says of an entry that it did not take, in an answer that is otherwise a success. */
export interface EntryFailure {
  readonly code: string
  readonly message: string
  readonly senderFault: boolean
}

/** One for each entry of a call, in their order; undefined where the answer does not mention the entry. */
export type EntryResult = 'taken' | EntryFailure | undefined

/** A message as ReceiveMessage hands it out. All of it is another's word: nothing here was checked. */
export interface SqsReceived {
  readonly MessageId?: string
  readonly ReceiptHandle?: string
  readonly Body?: string
  /** System attributes, all as text. */
  readonly Attributes?: Readonly<Record<string, string>>
  readonly MessageAttributes?: Readonly<Record<string, ReceivedAttribute>>
}

export interface ReceivedAttribute {
  readonly DataType?: string
  readonly StringValue?: string
  /** Base64. */
  readonly BinaryValue?: string
}

export interface Poll {
  /** At most so many messages, 1 to 10. */
  readonly count: number
  /** Seconds to wait for the first. */
  readonly wait: number
  /** Seconds for which nobody else is handed what came. */
  readonly visibility: number
}

/** Each call ends within its time limit and throws what the client threw: `judge` (verdict.ts) knows what it means. */
export interface SqsCalls {
  region(): Promise<string>
  queueUrl(name: string, account: string | undefined): Promise<string>
  queueAttributes(queueUrl: string): Promise<Readonly<Record<string, string>>>
  sendBatch(queueUrl: string, entries: readonly SqsEntry[]): Promise<readonly EntryResult[]>
  /** Its time limit begins when the waiting is over. Aborting the signal may leave messages invisible for their time. */
  receive(queueUrl: string, poll: Poll, signal: AbortSignal): Promise<readonly SqsReceived[]>
  /** By receipt handle, at most ten. */
  deleteBatch(queueUrl: string, handles: readonly string[]): Promise<readonly EntryResult[]>
  /** Seconds from now for which each (at most ten) stays invisible; 0 makes it visible at once. */
  changeVisibilityBatch(
    queueUrl: string,
    handles: readonly string[],
    seconds: number,
  ): Promise<readonly EntryResult[]>
}

export interface SnsCalls {
  region(): Promise<string>
  topicAttributes(topicArn: string): Promise<Readonly<Record<string, string>>>
  publishBatch(topicArn: string, entries: readonly SnsEntry[]): Promise<readonly EntryResult[]>
}
