import type { Adapter, SourceOptions } from '../../core/adapter.ts'
import { type FolderPrepared, prepare } from './codec.ts'
import { connection, type FolderConnection, type FolderSinkOptions, sinkOptions } from './options.ts'
import { readBack } from './read-back.ts'
import { show, usualLimits } from './show.ts'
import { openSink } from './sink.ts'

/** Files in a folder: the last place for dead letters, since it takes any size. */
export const folder: Adapter<FolderConnection, SourceOptions, FolderSinkOptions, FolderPrepared> = {
  protocol: 'folder',
  connection,
  sink: { options: sinkOptions, prepare, usualLimits, show, open: openSink, readBack },
  inline: 'path',
}
