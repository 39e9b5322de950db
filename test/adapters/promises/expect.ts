import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { TestContext } from 'node:test'
import { sentence } from '../../../src/core/errors.ts'
import type { TcpAddress } from '../fixture.ts'

/** For assert.rejects: the error with its causes says something like this. */
export const says = (pattern: RegExp) => (error: unknown) => {
  assert.match(sentence(error), pattern)
  return true
}

/** Buffers and Uint8Arrays of the same bytes are the same. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plain(v)]))
}

/** All that is expected is there; more may be. */
export function contains(actual: object, expected: object | undefined, what: string): void {
  for (const [name, value] of Object.entries(expected ?? {})) {
    assert.deepEqual(plain((actual as Record<string, unknown>)[name]), plain(value), `${what} ${name}`)
  }
}

/** A port where nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** A port that accepts and never says a word. */
export async function silentPort(t: Pick<TestContext, 'after'>): Promise<TcpAddress> {
  const sockets = new Set<{ destroy(): void }>()
  const server = createServer(socket => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}
