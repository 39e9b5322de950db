import { createHash, timingSafeEqual } from 'node:crypto'
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import type { Bridge, BridgeStatus } from '../bridge.ts'
import { sentence } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { rateLimit } from './rate-limit.ts'

export interface AdminServer {
  readonly port: number
  close(): Promise<void>
}

export interface AdminOptions {
  readonly host: string
  readonly port: number
  readonly token?: Secret | undefined
}

/** So many requests a second are served to one address. */
const rate = 100

/** Nobody needs to say more to these doors than a name; a slow or endless client must not hold what others need. */
const bounds = {
  bodyLimit: 1024,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionTimeout: 60_000,
  http: { maxHeaderSize: 8 * 1024, headersTimeout: 5_000 },
}

/**
 * Serves
 * - `/metrics`, for Prometheus;
 * - `/healthz`: 200 while the process runs;
 * - `/readyz`: 200 once the process can serve, 503 while it stops. A broker that is down does not make it unready, so
 *   that it blocks no rollout; `/readyz?strict` is 503 until every link is up and every
 *   breaker closed, and its body says which is not and why;
 * - `POST /routes/NAME/resume`, for who has the token: lets a route go on that was held after too many dead letters.
 *
 * Every answer but the metrics is JSON; one that is an error has `error`, a sentence. No answer has a stack or a CORS header.
 */
export async function startAdminServer(
  { host, port, token }: AdminOptions,
  registry: Registry,
  bridge: Pick<Bridge, 'status' | 'resume'>,
  stopping: AbortSignal,
): Promise<AdminServer> {
  const server = fastify({ forceCloseConnections: true, ...bounds })
  server.server.maxConnections = 256
  server.addHook('onRequest', rateLimit(rate))
  server.setErrorHandler(({ statusCode = 500, message }: Error & { statusCode?: number }, _, reply) =>
    fail(reply, statusCode, statusCode < 500 ? message : 'this could not be answered'),
  )
  server.setNotFoundHandler((_, reply) => fail(reply, 404, 'there is nothing here'))
  server.get('/metrics', async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()))
  server.get('/healthz', async () => ({ status: 'ok' }))
  server.get('/readyz', async (request, reply) => {
    const strict = 'strict' in (request.query as object)
    const down = strict ? linksDown(bridge.status()) : []
    const ready = !stopping.aborted && down.length === 0
    return reply
      .code(ready ? 200 : 503)
      .send({ status: stopping.aborted ? 'stopping' : ready ? 'ok' : 'links down', down })
  })
  server.post<{ Params: { name: string } }>(
    '/routes/:name/resume',
    { onRequest: authorized(token) },
    async ({ params: { name } }, reply) => {
      const resumed = bridge.resume(name)
      if (resumed === undefined) return fail(reply, 404, `there is no route ${name}`)
      if (!resumed) return fail(reply, 409, `route ${name} is not held, and goes on as it did`)
      return { status: 'resumed', route: name }
    },
  )
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

const fail = (reply: FastifyReply, code: number, error: string) => reply.code(code).send({ error })

/** Before a body is read. Hashes are compared, so that neither the time nor the length tells anything of the token. */
function authorized(token: Secret | undefined) {
  const expected = token && hash(`Bearer ${token.reveal()}`)
  return async ({ headers }: FastifyRequest, reply: FastifyReply) => {
    if (!expected) return fail(reply, 404, 'nothing can be changed here: no token is set under admin.token')
    if (timingSafeEqual(hash(headers.authorization ?? ''), expected)) return
    return fail(
      reply.header('www-authenticate', 'Bearer'),
      401,
      'this needs the header "Authorization: Bearer TOKEN" with the token of admin.token',
    )
  }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest()

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
