import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on loopback that a test can make fail in the ways in which networks fail. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: '127.0.0.1'
  readonly port: number
  /** How many connections are open now. */
  readonly connections: number
  /** How many connections have been accepted since the start. */
  readonly accepted: number
  /** Resets every connection at once; new ones are served as before. */
  cut(): void
  /** Keeps connections open and passes nothing either way; new ones are accepted and hear nothing. */
  stall(): void
  /** Closes every new connection at once; those that are open go on. */
  refuse(): void
  /** Ends stall and refuse; what was held back by stall is passed on now. */
  resume(): void
  /** Cuts and stops listening. */
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
}

export async function startProxy(target: { host?: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  let mode: 'pass' | 'stall' | 'refuse' = 'pass'
  let accepted = 0

  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, client => {
    client.on('error', () => {})
    if (mode === 'refuse') return void client.resetAndDestroy()
    accepted++
    const server = connect({ host: target.host ?? '127.0.0.1', port: target.port, allowHalfOpen: true })
    const pair = { client, server }
    pairs.add(pair)
    join(pair, () => pairs.delete(pair))
    if (mode === 'pass') pass(pair)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')

  const cut = () => {
    for (const pair of pairs) reset(pair)
    pairs.clear()
  }
  const close = async () => {
    cut()
    if (!listener.listening) return
    listener.close()
    await once(listener, 'close')
  }

  return {
    host: '127.0.0.1',
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return pairs.size
    },
    get accepted() {
      return accepted
    },
    cut,
    stall() {
      mode = 'stall'
      for (const pair of pairs) hold(pair)
    },
    refuse() {
      mode = 'refuse'
    },
    resume() {
      if (mode === 'stall') for (const pair of pairs) pass(pair)
      mode = 'pass'
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The end of one side's data ends the other's; the loss of one side resets the other. */
function join({ client, server }: Pair, gone: () => void): void {
  for (const [from, to] of [
    [client, server],
    [server, client],
  ] as const) {
    from.setNoDelay()
    from.on('error', () => resetSide(to))
    from.on('close', () => {
      if (!to.writableEnded) to.destroy()
      if (client.destroyed && server.destroyed) gone()
    })
  }
}

function pass({ client, server }: Pair): void {
  client.pipe(server)
  server.pipe(client)
}

function hold({ client, server }: Pair): void {
  for (const side of [client, server]) {
    side.unpipe()
    side.pause()
  }
}

function reset({ client, server }: Pair): void {
  resetSide(client)
  resetSide(server)
}

/** A reset while the end is being sent fails with EINVAL, and then Node 24 spins for ever when the process exits. */
function resetSide(side: Socket): void {
  if (side.writableEnded && !side.writableFinished) side.destroy()
  else side.resetAndDestroy()
}
