import type { Endpoint, Limits, Shown } from '../../core/adapter.ts'
import type { FolderPrepared } from './codec.ts'
import type { FolderConnection, FolderSinkOptions } from './options.ts'

export const usualLimits = (): Limits => ({ maxMessageSize: Number.POSITIVE_INFINITY })

/** A file of its own in the folder, which has nothing but its content. */
export const show = (
  { options }: Endpoint<FolderConnection, FolderSinkOptions>,
  { content }: FolderPrepared,
): Shown => ({ address: options.path, body: content, fields: [] })
