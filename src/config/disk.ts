import type { RouteConfig } from './bridge-config.ts'
import type { Problem } from './problem.ts'

/** Routes with a disk buffer that ask for what cannot be had with one. */
export const diskProblems = (routes: readonly RouteConfig[]): readonly Problem[] =>
  routes
    .filter(({ buffer, deadLetters }) => buffer.disk && deadLetters.some(place => 'broker' in place))
    .map(({ name }) => ({
      path: ['routes', name],
      text:
        'with a disk buffer (buffer.disk) the broker has forgotten a message before it can be refused, so that ' +
        'dead_letter cannot have broker: true',
    }))

/** Routes that lose messages for want of a disk buffer. */
export const diskWarnings = (routes: readonly RouteConfig[]): readonly Problem[] =>
  routes.flatMap(({ name, from, buffer }) => {
    const why = buffer.disk ? undefined : from.kind.mayForget?.(from.at)
    if (why === undefined) return []
    const text = `${why}; a disk buffer (buffer.disk) takes them in while the target is away`
    return [{ path: ['routes', name, 'from'], text, warning: true }]
  })
