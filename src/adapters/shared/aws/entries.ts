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

/** The Id of an entry is its position in its call. */
export const withId = <E extends object>(entry: E, position: number): E & { Id: string } => ({
  ...entry,
  Id: String(position),
})

/** By position. An entry is taken only when the answer says so and does not say otherwise. */
export function resultsOf(count: number, { Successful, Failed }: BatchAnswer): EntryResult[] {
  const results = new Array<EntryResult>(count).fill(undefined)
  for (const { Id } of Successful ?? [])
    if (Id !== undefined && Number(Id) < count) results[Number(Id)] = 'taken'
  for (const { Id, Code, Message, SenderFault } of Failed ?? []) {
    if (Id === undefined || Number(Id) >= count) continue
    results[Number(Id)] = {
      code: Code ?? 'Unknown',
      message: Message ?? '',
      senderFault: SenderFault ?? false,
    }
  }
  return results
}
