import { basename, dirname } from 'node:path'
import { codeOf, type FileSystem } from './file-system.ts'
import type { Segment } from './segment.ts'

const chunk = 256 * 1024

/**
 * Copies bytes of a segment that are no record into a file next to it, which nothing here touches again; resolves with its name once it lasts. A file
 * with this name is there already where they were set aside before.
 */
export async function setAside(
  files: FileSystem,
  { path }: Segment,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<string> {
  const copyPath = `${path}.damaged-${from}`
  const source = await files.open(path)
  try {
    // One that is there may be a copy that was never finished.
    const copy = await files.create(copyPath).catch(error => {
      if (codeOf(error) === 'EEXIST') return files.open(copyPath)
      throw error
    })
    try {
      for (let at = from; at < to; at += chunk) {
        const bytes = Buffer.alloc(Math.min(chunk, to - at))
        const read = await source.read(bytes, at)
        await copy.write(bytes.subarray(0, read), at - from)
      }
      await copy.datasync()
    } finally {
      await copy.close()
    }
    await files.syncFolder(dirname(path))
  } finally {
    await source.close()
  }
  return basename(copyPath)
}
