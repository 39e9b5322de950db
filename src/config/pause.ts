import type { RouteConfig } from './bridge-config.ts'
import type { Problem } from './problem.ts'

/** A pause that could never come. */
export function pauseProblems({ name, deadLetterPause }: RouteConfig): readonly Problem[] {
  const { at_least, of_last } = deadLetterPause
  if (at_least <= of_last) return []
  const text = `at_least is ${at_least} and of_last ${of_last}, so that the route would never be paused`
  return [{ path: ['routes', name, 'dead_letter_pause'], text }]
}
