import type { BridgeConfig, RouteConfig } from './bridge-config.ts'
import type { Problem } from './problem.ts'

/** Routes with requests or replies that lack what all of them need. */
export function replyProblems(
  routes: readonly RouteConfig[],
  requestReply: BridgeConfig['requestReply'],
): readonly Problem[] {
  return routes.flatMap(({ name, request, reply }): readonly Problem[] => {
    const path = ['routes', name, reply ? 'reply' : 'request']
    if (request && reply) {
      return [{ path, text: 'a route carries requests or replies: write two routes' }]
    }
    if ((request || reply) && !requestReply) {
      return [{ path, text: 'missing request_reply at the top of the file, with keys and reply_to_allow' }]
    }
    return []
  })
}
