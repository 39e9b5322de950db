import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import type { Message } from '../../core/message.ts'
import type { FolderConnection, FolderSinkOptions } from './options.ts'

export interface FolderPrepared extends Prepared {
  readonly content: Uint8Array
}

/** A file holds the body alone, so only what is whole in its body can go there: a dead-letter record, text, bytes. */
export function prepare(
  _at: Endpoint<FolderConnection, FolderSinkOptions>,
  _limits: Limits,
  { body }: Message,
): FolderPrepared {
  if (body.kind !== 'text' && body.kind !== 'bytes') {
    throw new MessageRefused(`a ${body.kind} body cannot be written to a file`)
  }
  const content = body.kind === 'text' ? Buffer.from(body.text) : body.bytes
  return { content, size: content.length }
}
