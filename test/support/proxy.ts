import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'

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
  /** Every piece of data takes so much longer, either way, also on connections that are open. */
  delay(milliseconds: number): void
  /** Resets every connection once so many more bytes, of all of them together, have passed to the clients. */
  cutAfter(bytes: number): void
  /** Half-open: the server sees every connection end, and its client neither that nor anything else. New ones are served. */
  forsake(): void
  /** Ends stall and refuse; what was held back by stall is passed on now. */
  resume(): void
  /** Cuts and stops listening. */
  close(): Promise<void>
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  /** On the way to the server, and to the client. */
  readonly there: Transform
  readonly back: Transform
}

/** Passes on what `seen` gives for each chunk when its time has come, in order; the end comes behind all of them. */
function lag(milliseconds: () => number, seen: (chunk: Buffer) => Buffer = chunk => chunk): Transform {
  const waiting: (() => void)[] = []
  const next = () => waiting.shift()?.()
  const inTurn = (pass: () => void) => {
    const wait = milliseconds()
    if (wait === 0 && waiting.length === 0) return pass()
    waiting.push(pass)
    setTimeout(next, wait)
  }
  return new Transform({
    highWaterMark: 2 ** 20,
    transform(chunk: Buffer, _, done) {
      inTurn(() => {
        if (!this.destroyed) this.push(seen(chunk))
      })
      done()
    },
    flush: done => inTurn(done),
  })
}

export async function startProxy(target: { host?: string; port: number }): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const forsaken = new Set<Socket>()
  let mode: 'pass' | 'stall' | 'refuse' = 'pass'
  let accepted = 0
  let late = 0
  let left = Number.POSITIVE_INFINITY

  const upToCut = (chunk: Buffer): Buffer => {
    if (left === Number.POSITIVE_INFINITY) return chunk
    const part = chunk.subarray(0, left)
    left -= part.length
    if (left > 0) return part
    left = Number.POSITIVE_INFINITY
    // The part is written before the connection is reset.
    setImmediate(() => setImmediate(cut))
    return part
  }

  const listener = createServer({ pauseOnConnect: true, allowHalfOpen: true }, client => {
    client.on('error', () => {})
    if (mode === 'refuse') return void client.resetAndDestroy()
    accepted++
    const server = connect({ host: target.host ?? '127.0.0.1', port: target.port, allowHalfOpen: true })
    const pair = { client, server, there: lag(() => late), back: lag(() => late, upToCut) }
    pair.there.pipe(server)
    pair.back.pipe(client)
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
    for (const client of forsaken) client.destroy()
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
    delay(milliseconds) {
      late = milliseconds
    },
    cutAfter(bytes) {
      left = bytes
    },
    forsake() {
      for (const pair of pairs) {
        forsaken.add(pair.client)
        pair.client.unpipe().on('data', () => {})
        pair.client.removeAllListeners('close')
        pair.server.removeAllListeners('close').removeAllListeners('end')
        pair.back.unpipe()
        pair.server.resetAndDestroy()
      }
      pairs.clear()
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
      if (!from.readableEnded) to.destroy()
      if (client.destroyed && server.destroyed) gone()
    })
  }
}

function pass({ client, server, there, back }: Pair): void {
  client.pipe(there)
  server.pipe(back)
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
