import type { Problem } from './problem.ts'
import type { File } from './schema.ts'

/** Everybody who reaches the port of the admin server can read the names of routes, what they do and why they fail. */
export function adminWarnings({ host, token }: File['admin']): readonly Problem[] {
  if (token !== undefined || isLoopback(host)) return []
  return [
    {
      path: ['admin', 'host'],
      text:
        'everybody who reaches this address can read metrics and states, and nobody can resume a route here: set admin.token, and let ' +
        'the network decide who gets to it',
      warning: true,
    },
  ]
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
