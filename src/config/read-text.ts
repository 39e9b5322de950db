import { closeSync, openSync, readSync } from 'node:fs'
import { formatSize } from '../core/units.ts'

/** A hundred times what a route needs, for each of a hundred routes; the rest goes into files of its own (`include`). */
const most = 2 ** 20

/** A text of the configuration. Throws where there is more than it can be, and reads no more than that. */
export function readText(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(most + 1)
    let length = 0
    while (length <= most) {
      const read = readSync(file, bytes, length, most + 1 - length, null)
      if (read === 0) return bytes.toString('utf8', 0, length)
      length += read
    }
  } finally {
    closeSync(file)
  }
  throw new Error(
    `${path} has more than ${formatSize(most)}, which is the limit of a file of the configuration`,
  )
}
