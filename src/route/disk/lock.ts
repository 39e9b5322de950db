import { readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { sentence } from '../../core/errors.ts'

/** Holds a folder for this process until it is released, or the process ends in whatever way. */
export interface Lock {
  release(): void
}

export type TakeLock = (folder: string) => Lock

/** SQLite's code for a lock that somebody else holds. */
const busy = 5

/**
 * The lock is a POSIX lock of the kernel on a file, which is the only one that ends with its process, kill -9 included, and
 * that also holds between containers with one volume, where ids of processes repeat and sockets are not shared. Node has no
 * call for it, but SQLite takes one for an exclusive transaction; nothing is ever written to its file, nor to a journal, for which a
 * full disk would have no room (`journal_mode = OFF` is ignored in the defensive mode of Node.js 24). The file must not be
 * opened by anything else in this process: POSIX locks end when any descriptor of the file is closed.
 */
export const takeLock: TakeLock = folder => {
  const owner = join(folder, 'owner')
  let database: DatabaseSync | undefined
  try {
    // Loaded when it is needed: Node.js 22 warns of it as experimental.
    const sqlite = process.getBuiltinModule('node:sqlite')
    database = new sqlite.DatabaseSync(join(folder, 'lock'))
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (cause) {
    database?.close()
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === busy) {
      throw new Error(
        `the disk buffer ${folder} is in use by another process${told(owner)}: each bridge needs a folder of its own ` +
          '(buffer.disk.path), and the one that has this folder must end first',
      )
    }
    throw new Error(
      `locking the disk buffer ${folder}, which must lie on a file system with locks: ${sentence(cause)}`,
      { cause },
    )
  }
  tell(owner)
  return { release: () => database.close() }
}

/** For people only; that it is missing or old does no harm. */
function tell(owner: string): void {
  try {
    writeFileSync(owner, `process ${process.pid} on ${hostname()}, since ${new Date().toISOString()}`)
  } catch {
    // A full disk: the lock itself holds.
  }
}

function told(owner: string): string {
  try {
    const text = readFileSync(owner, 'utf8')
    return text === '' ? '' : ` (${text})`
  } catch {
    return ''
  }
}
