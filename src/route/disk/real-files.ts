import { type FileHandle, mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { FileSystem, OpenFile } from './file-system.ts'

/** The file system of this machine. Writing, reading and syncing are done in the thread pool. */
export const realFiles: FileSystem = {
  async makeFolder(path) {
    const first = await mkdir(path, { recursive: true, mode: 0o700 })
    if (first === undefined) return
    for (let folder = path; folder.length >= first.length; folder = dirname(folder)) {
      await syncFolder(dirname(folder))
    }
  },
  list: folder => readdir(folder),
  size: async path => (await stat(path)).size,
  create: async path => new RealFile(await open(path, 'wx+', 0o600)),
  open: async path => new RealFile(await open(path, 'r+')),
  remove: path => rm(path, { force: true }),
  syncFolder,
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

class RealFile implements OpenFile {
  readonly #handle: FileHandle

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done)
      done += bytesWritten
    }
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    for (let done = 0; ; ) {
      const { bytesRead } = await this.#handle.read(into, done, into.length - done, at + done)
      done += bytesRead
      if (bytesRead === 0 || done === into.length) return done
    }
  }

  async datasync(): Promise<void> {
    await this.#handle.datasync()
    const { nlink } = await this.#handle.stat()
    if (nlink === 0)
      throw new Error('the file was removed by somebody else; what is written into it would be gone')
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}
