import { execFile } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A small file system of its own, in memory, that can be filled. It takes root to mount one. */
export interface Disk extends AsyncDisposable {
  readonly path: string
  /** Takes all the room that is left; gives what takes it away again. */
  fill(): () => void
}

export async function mountDisk(path: string): Promise<Disk> {
  mkdirSync(path)
  await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path])
  return {
    path,
    fill() {
      const file = join(path, 'filler')
      const open = openSync(file, 'w')
      const piece = Buffer.alloc(4096)
      try {
        for (;;) writeSync(open, piece)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(open)
      }
      return () => rmSync(file)
    },
    [Symbol.asyncDispose]: async () => void (await run('umount', ['--lazy', path])),
  }
}
