import type { FastifyReply, FastifyRequest } from 'fastify'

/** A hook that answers 429 to an address that asks more often than `most` times within a second. */
export function rateLimit(most: number) {
  const asked = new Map<string, number>()
  let began = performance.now()
  return async ({ ip }: FastifyRequest, reply: FastifyReply) => {
    const now = performance.now()
    if (now - began >= 1_000) {
      asked.clear()
      began = now
    }
    const count = (asked.get(ip) ?? 0) + 1
    asked.set(ip, count)
    if (count <= most) return
    return reply
      .code(429)
      .header('retry-after', '1')
      .send({ error: `more than ${most} requests in a second` })
  }
}
