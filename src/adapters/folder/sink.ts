import { randomUUID } from 'node:crypto'
import { access, constants, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint, Sink } from '../../core/adapter.ts'
import { SinkUnavailable } from '../../core/errors.ts'
import type { FolderPrepared } from './codec.ts'
import type { FolderConnection, FolderSinkOptions } from './options.ts'

export async function openSink(
  at: Endpoint<FolderConnection, FolderSinkOptions>,
): Promise<Sink<FolderPrepared>> {
  const { path } = at.options
  await mkdir(path, { recursive: true })
  const sink = new FolderSink(path)
  await sink.check()
  return sink
}

/**
 * One file a message, named by time so that a listing is in order. `send` resolves once the file and its name are on
 * the disk: written under another name, synced, renamed, and the folder synced.
 */
class FolderSink implements Sink<FolderPrepared> {
  readonly closed: Promise<Error | undefined>
  readonly limits = { maxMessageSize: Number.POSITIVE_INFINITY }
  readonly #path: string
  #end: () => void = () => {}

  constructor(path: string) {
    this.#path = path
    this.closed = new Promise(resolve => {
      this.#end = () => resolve(undefined)
    })
  }

  async send({ content }: FolderPrepared): Promise<object> {
    const name = `${new Date().toISOString().replace(/[:.]/g, '-')}-${randomUUID()}.json`
    const unfinished = join(this.#path, `.${name}`)
    try {
      await write(unfinished, content)
      await rename(unfinished, join(this.#path, name))
      await syncFolder(this.#path)
      return {}
    } catch (cause) {
      await rm(unfinished, { force: true }).catch(() => {})
      throw new SinkUnavailable(`writing a file to ${this.#path}`, { cause })
    }
  }

  async check(): Promise<void> {
    await access(this.#path, constants.W_OK)
  }

  async close(): Promise<void> {
    this.#end()
  }
}

async function write(path: string, content: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', 0o600)
  await file.writeFile(content)
  await file.sync()
}

/** Resolves once the names in the folder are on the disk. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
