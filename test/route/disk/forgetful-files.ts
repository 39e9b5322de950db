import { basename } from 'node:path'
import type { FileSystem, OpenFile } from '../../../src/route/disk/file-system.ts'

type Change =
  | { readonly type: 'create' | 'remove'; readonly name: string }
  | { readonly type: 'write'; readonly file: number; readonly at: number; readonly bytes: Buffer }
  | { readonly type: 'truncate'; readonly file: number; readonly length: number }
  | { readonly type: 'sync'; readonly file: number }
  | { readonly type: 'syncFolder' }

/** What is left of that which was not synced: all (the process was killed), or nothing (the power went), of names or of contents. */
export interface Survives {
  readonly names: boolean
  readonly contents: boolean
}

export const survivals: readonly Survives[] = [
  { names: true, contents: true },
  { names: true, contents: false },
  { names: false, contents: true },
  { names: false, contents: false },
]

/** An operation that fails, or takes its time. */
export type Fault = (
  operation: keyof FileSystem | keyof OpenFile,
  name: string,
  size: number,
) => void | Promise<void>

/** Files by their names, each by its place in the list. */
interface State {
  readonly names: ReadonlyMap<string, number>
  readonly syncedNames: ReadonlyMap<string, number>
  readonly inodes: readonly { readonly now: Buffer; readonly synced: Buffer }[]
}

const nothing: State = { names: new Map(), syncedNames: new Map(), inodes: [] }

interface Inode {
  readonly id: number
  now: Buffer
  synced: Buffer
}

/** One folder in memory that knows what was synced. It can be made again as it would be found after any of its changes. */
export class ForgetfulFiles implements FileSystem {
  readonly changes: Change[] = []
  fault: Fault = () => {}
  /** What was there before the first change. */
  readonly #start: State
  readonly #inodes: Inode[]
  #names: Map<string, Inode>
  #syncedNames: Map<string, Inode>

  /** With what another one would have left. */
  constructor(start: State = nothing) {
    this.#start = start
    this.#inodes = start.inodes.map(({ now, synced }, id) => ({ id, now, synced }))
    const named = (names: State['names']) =>
      new Map(Array.from(names, ([name, id]) => [name, this.#inodes[id]!]))
    this.#names = named(start.names)
    this.#syncedNames = named(start.syncedNames)
  }

  /** With these files in it, all synced. */
  static holding(files: ReadonlyMap<string, Buffer>): ForgetfulFiles {
    const names = new Map(Array.from(files.keys(), (name, i) => [name, i]))
    const inodes = Array.from(files.values(), bytes => ({ now: bytes, synced: bytes }))
    return new ForgetfulFiles({ names, syncedNames: names, inodes })
  }

  /** What is there now, as far synced as it is. */
  get state(): State {
    const ids = (names: ReadonlyMap<string, Inode>) =>
      new Map(Array.from(names, ([name, { id }]) => [name, id]))
    const inodes = this.#inodes.map(({ now, synced }) => ({ now, synced }))
    return { names: ids(this.#names), syncedNames: ids(this.#syncedNames), inodes }
  }

  /**
   * What would be found if everything had ended after the first `count` changes, the last of which was cut off after `cut` bytes where it
   * is a write. Where only the process was killed, what was not synced may still be lost later.
   */
  after(count: number, cut: number, survives: Survives): ForgetfulFiles {
    const past = new ForgetfulFiles(this.#start)
    this.changes.slice(0, count).forEach((change, i) => {
      const isCut = i === count - 1 && change.type === 'write'
      past.#apply(isCut ? { ...change, bytes: change.bytes.subarray(0, cut) } : change)
    })
    if (survives.names && survives.contents) return new ForgetfulFiles(past.state)
    const names = survives.names ? past.#names : past.#syncedNames
    return ForgetfulFiles.holding(
      new Map(Array.from(names, ([name, inode]) => [name, survives.contents ? inode.now : inode.synced])),
    )
  }

  /** All files as they are now. */
  get contents(): ReadonlyMap<string, Buffer> {
    return new Map(Array.from(this.#names, ([name, { now }]) => [name, now]))
  }

  #inode(bytes: Buffer = Buffer.alloc(0)): Inode {
    const inode = { id: this.#inodes.length, now: bytes, synced: bytes }
    this.#inodes.push(inode)
    return inode
  }

  #apply(change: Change): void {
    this.changes.push(change)
    switch (change.type) {
      case 'create':
        this.#names.set(change.name, this.#inode())
        break
      case 'remove':
        this.#names.delete(change.name)
        break
      case 'syncFolder':
        this.#syncedNames = new Map(this.#names)
        break
      case 'write': {
        const inode = this.#inodes[change.file]!
        const now = Buffer.alloc(Math.max(inode.now.length, change.at + change.bytes.length))
        now.set(inode.now)
        now.set(change.bytes, change.at)
        inode.now = now
        break
      }
      case 'truncate':
        this.#inodes[change.file]!.now = this.#inodes[change.file]!.now.subarray(0, change.length)
        break
      case 'sync':
        this.#inodes[change.file]!.synced = this.#inodes[change.file]!.now
    }
  }

  async makeFolder(): Promise<void> {}

  async list(): Promise<readonly string[]> {
    return [...this.#names.keys()]
  }

  async size(path: string): Promise<number> {
    return this.#find(path).now.length
  }

  async create(path: string): Promise<OpenFile> {
    const name = basename(path)
    await this.fault('create', name, 0)
    if (this.#names.has(name)) throw Object.assign(new Error(`EEXIST ${name}`), { code: 'EEXIST' })
    this.#apply({ type: 'create', name })
    return this.#file(name, this.#names.get(name)!)
  }

  async open(path: string): Promise<OpenFile> {
    return this.#file(basename(path), this.#find(path))
  }

  async remove(path: string): Promise<void> {
    await this.fault('remove', basename(path), 0)
    if (this.#names.has(basename(path))) this.#apply({ type: 'remove', name: basename(path) })
  }

  async syncFolder(): Promise<void> {
    await this.fault('syncFolder', '', 0)
    this.#apply({ type: 'syncFolder' })
  }

  #find(path: string): Inode {
    const inode = this.#names.get(basename(path))
    if (!inode) throw Object.assign(new Error(`ENOENT ${path}`), { code: 'ENOENT' })
    return inode
  }

  #file(name: string, inode: Inode): OpenFile {
    const file = inode.id
    return {
      write: async (bytes, at) => {
        await this.fault('write', name, bytes.length)
        this.#apply({ type: 'write', file, at, bytes: Buffer.from(bytes) })
      },
      read: async (into, at) => {
        await this.fault('read', name, into.length)
        return inode.now.copy(into, 0, at)
      },
      datasync: async () => {
        await this.fault('datasync', name, 0)
        this.#apply({ type: 'sync', file })
      },
      truncate: async length => {
        await this.fault('truncate', name, 0)
        this.#apply({ type: 'truncate', file, length })
      },
      close: async () => {},
    }
  }
}
