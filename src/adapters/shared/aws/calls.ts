/**
 * All that the sinks ask of AWS, and all that a leaner way of publishing has to offer in place of the SDK. Entries,
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
  readonly MessageAttributes?: Attributes
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

/** Each call ends within its time limit and throws what the client threw: `judge` (verdict.ts) knows what it means. */
export interface SqsCalls {
  region(): Promise<string>
  queueUrl(name: string, account: string | undefined): Promise<string>
  queueAttributes(queueUrl: string): Promise<Readonly<Record<string, string>>>
  sendBatch(queueUrl: string, entries: readonly SqsEntry[]): Promise<readonly EntryResult[]>
}

export interface SnsCalls {
  region(): Promise<string>
  topicAttributes(topicArn: string): Promise<Readonly<Record<string, string>>>
  publishBatch(topicArn: string, entries: readonly SnsEntry[]): Promise<readonly EntryResult[]>
}
