import { z } from 'zod'
import { secret, size } from '../adapters/shared/options.ts'
import { keyBytes } from '../core/key-bytes.ts'

/** What a route may hold, in memory and on disk. */

const disk = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe('folder on a disk of this machine; each route has a folder of its own name in it'),
  max_bytes: size
    .refine(bytes => bytes >= 2 ** 20, { error: 'expected 1MiB or more' })
    .prefault('1GiB')
    .describe('bytes on the disk at most; at them, nothing more is taken from the source'),
  key: secret
    .refine(s => keyBytes(s.reveal()) !== undefined, {
      error: 'expected 32 bytes in base64 or hexadecimal digits, such as `openssl rand -base64 32` prints',
    })
    .optional()
    .describe('encrypts what is on the disk (AES-256-GCM): 32 bytes in base64 or hexadecimal digits'),
})

export const bufferKeys = {
  max_messages: z.int().min(1).describe('unsettled messages held at most'),
  max_bytes: size.describe('bytes of unsettled messages held at most'),
  disk: disk
    .optional()
    .describe(
      'keeps messages on disk, so that the source is settled before the targets have them (docs/disk-buffer.md)',
    ),
}
export const buffer = z.strictObject({
  max_messages: bufferKeys.max_messages.default(2_000),
  max_bytes: bufferKeys.max_bytes.prefault('64MiB'),
  disk: bufferKeys.disk,
})
