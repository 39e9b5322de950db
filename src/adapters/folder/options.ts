import { z } from 'zod'

export const connection = z.strictObject({})

export const sinkOptions = z.strictObject({
  path: z.string().min(1).describe('folder on a disk that outlives the container; made if it is not there'),
})

export type FolderConnection = z.output<typeof connection>
export type FolderSinkOptions = z.output<typeof sinkOptions>
