import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { BrokerUrl } from '../shared/options.ts'
import { tlsOptions } from '../shared/tls.ts'
import { within } from '../shared/within.ts'
import type { ConnectionOptions } from './options.ts'

/** A connected socket, its certificate verified where the URL wants TLS; whoever gets it listens for its errors. */
export async function openSocket(
  url: BrokerUrl,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = url.tls
    ? connectTls(await tlsOptions(url, options.tls))
    : connectTcp({ host: url.host, port: url.port })
  socket.setNoDelay(true)
  try {
    const opened = once(socket, url.tls ? 'secureConnect' : 'connect')
    await within(
      options.connect_timeout,
      url.tls ? 'the TLS connection' : 'the TCP connection',
      opened,
      signal,
    )
    return socket
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
}
