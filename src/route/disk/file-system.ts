/**
 * What the disk buffer needs of a file system, so that its tests can take one that forgets whatever was not synced.
 * Errors are those of Node, with a `code`.
 */
export interface FileSystem {
  /** With the folders above it, all of which are synced; no error where it is there. */
  makeFolder(path: string): Promise<void>
  /** Names, in no order. */
  list(folder: string): Promise<readonly string[]>
  size(path: string): Promise<number>
  /** A new file, for nobody but its owner. Throws EEXIST where there is one. */
  create(path: string): Promise<OpenFile>
  open(path: string): Promise<OpenFile>
  /** No error where there is none. */
  remove(path: string): Promise<void>
  /** What was created in the folder and removed from it survives a loss of power once this has resolved. */
  syncFolder(path: string): Promise<void>
}

export interface OpenFile {
  /** All bytes, at this place. When it throws, nobody knows how many of them are there. */
  write(bytes: Uint8Array, at: number): Promise<void>
  /** Until `into` is full or the file ends; how many bytes that were. */
  read(into: Uint8Array, at: number): Promise<number>
  /**
   * What was written survives a loss of power once this has resolved. When it throws, what was written since the last time
   * is in doubt for ever: Linux takes pages that it could not write for written, and the next call resolves. Throws as well
   * where the file has no name any more.
   */
  datasync(): Promise<void>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

/** The `code` of an error of Node, or ''. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** There is no room on the disk, or none for this user. */
export const isFull = (error: unknown): boolean => ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error))
