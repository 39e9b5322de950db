import fastify from 'fastify'
import type { Registry } from 'prom-client'
import type { BridgeStatus } from '../bridge.ts'
import { sentence } from '../core/errors.ts'

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

/**
 * Serves
 * - `/metrics`, for Prometheus;
 * - `/healthz`: 200 while the process runs;
 * - `/readyz`: 200 once the process can serve, 503 while it stops. A broker that is down does not make it unready, so
 *   that it blocks no rollout; `/readyz?strict` is 503 until every link is up and every
 *   breaker closed, and its body says which is not and why.
 */
export async function startAdminServer(
  { host, port }: { readonly host: string; readonly port: number },
  registry: Registry,
  status: () => BridgeStatus,
  stopping: AbortSignal,
): Promise<AdminServer> {
  const server = fastify({ forceCloseConnections: true })
  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  server.get('/healthz', async () => ({ status: 'ok' }))
  server.get('/readyz', async (request, reply) => {
    const strict = 'strict' in (request.query as object)
    const down = strict ? linksDown(status()) : []
    const ready = !stopping.aborted && down.length === 0
    return reply
      .code(ready ? 200 : 503)
      .send({ status: stopping.aborted ? 'stopping' : ready ? 'ok' : 'links down', down })
  })
  try {
    await server.listen({ host, port })
  } catch (cause) {
    throw new Error(`listening on ${host}:${port} for /metrics; another port can be set under admin.port`, {
      cause,
    })
  }
  const address = server.server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => server.close(),
  }
}

function linksDown(status: BridgeStatus) {
  return Array.from(status).flatMap(([route, { source, targets, deadLetters }]) =>
    [
      { route, link: 'source', ...source },
      ...Object.entries(targets).map(([link, target]) => ({ route, link, ...target })),
      ...deadLetters.map(place => ({ route, link: 'dead_letter', ...place })),
    ]
      .map(link => ({ breaker: undefined, ...link }))
      .filter(({ up, breaker }) => !up || (breaker ?? 'closed') !== 'closed')
      .map(({ route, link, breaker, error }) => ({ route, link, breaker, error: error && sentence(error) })),
  )
}
