import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint, LinkContext, ReadBack, StoredMessage } from '../../core/adapter.ts'
import { toError } from '../../core/errors.ts'
import type { FolderConnection, FolderSinkOptions } from './options.ts'
import { syncFolder } from './sink.ts'

const never = new AbortController().signal

/** The files that a sink has written, oldest first. What it was writing when it was killed is said and left alone. */
export async function readBack(
  { options: { path } }: Endpoint<FolderConnection, FolderSinkOptions>,
  _purpose: 'look' | 'take',
  { report }: LinkContext,
): Promise<ReadBack> {
  const all = (await namesIn(path)).filter(name => name.endsWith('.json')).sort()
  const unfinished = all.filter(name => name.startsWith('.'))
  if (unfinished.length > 0) {
    report({
      type: 'notice',
      text: `${unfinished.length} half-written and left alone (${unfinished[0]}): a bridge is just writing, or was killed then, and has its message again`,
    })
  }
  const finished = all.filter(name => !name.startsWith('.'))
  return { messages: messagesIn(path, finished), close: async () => {} }

  async function namesIn(folder: string): Promise<readonly string[]> {
    try {
      return await readdir(folder)
    } catch (error) {
      if (!isMissing(error)) throw new Error(`reading the folder ${folder}`, { cause: error })
      report({
        type: 'notice',
        text: `the folder ${folder} is not there: it is made by the bridge, where that runs`,
      })
      return []
    }
  }
}

/** What somebody else has removed meanwhile is passed over. */
async function* messagesIn(path: string, names: readonly string[]): AsyncGenerator<StoredMessage> {
  for (const name of names) {
    const file = join(path, name)
    const found = { name: file, lost: never, remove: () => remove(path, file) }
    const about = { address: path, properties: {}, headers: {} }
    try {
      yield { ...found, message: { ...about, body: { kind: 'bytes', bytes: await readFile(file) } } }
    } catch (error) {
      if (!isMissing(error)) {
        yield { ...found, message: { ...about, body: { kind: 'none' } }, fault: toError(error) }
      }
    }
  }
}

/** Resolves once it is gone from the disk. */
async function remove(path: string, file: string): Promise<void> {
  await rm(file, { force: true })
  await syncFolder(path)
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
