import type { EntryResult } from './calls.ts'

/** The answer to SendMessageBatch and to PublishBatch. */
export interface BatchAnswer {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | null | undefined
  readonly Failed?: readonly FailedEntry[] | null | undefined
}

interface FailedEntry {
  readonly Id: string | undefined
  readonly Code: string | undefined
  readonly Message?: string | undefined
  readonly SenderFault: boolean | undefined
}

let calls = 0

/** With Ids of their own: an answer to another call, as a proxy out of step hands out, mentions none of them. */
export function numbered<E extends object>(entries: readonly E[]): readonly (E & { readonly Id: string })[] {
  const call = ++calls
  return entries.map((entry, position) => ({ ...entry, Id: `${call}-${position}` }))
}

/** One for each entry, in their order. An entry is taken only when the answer says so and does not say otherwise. */
export function resultsOf(
  entries: readonly { readonly Id: string }[],
  { Successful, Failed }: BatchAnswer,
): EntryResult[] {
  const results = new Map<string | undefined, EntryResult>()
  for (const { Id } of Successful ?? []) results.set(Id, 'taken')
  for (const { Id, Code, Message, SenderFault } of Failed ?? []) {
    const code = String(Code ?? 'Unknown')
    results.set(Id, { code, message: String(Message ?? ''), senderFault: SenderFault ?? false })
  }
  return entries.map(({ Id }) => results.get(Id))
}
