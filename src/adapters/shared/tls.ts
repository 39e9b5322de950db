import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import type { BrokerUrl, TlsOptions } from './options.ts'

/**
 * Options for `tls.connect`. The files are read at each call, so that a renewed certificate is used from the next
 * connection on. Certificates are always verified; there is no switch to turn that off.
 */
export async function tlsOptions(
  url: BrokerUrl,
  options: TlsOptions | undefined,
): Promise<ConnectionOptions> {
  const servername = options?.server_name ?? url.host
  return {
    host: url.host,
    port: url.port,
    minVersion: 'TLSv1.2',
    // Said, since NODE_TLS_REJECT_UNAUTHORIZED turns off what is left to the default.
    rejectUnauthorized: true,
    ...(isAddress(servername) ? {} : { servername }),
    ...(options?.ca_file && { ca: await read(options.ca_file, 'ca_file') }),
    ...(options?.cert_file && { cert: await read(options.cert_file, 'cert_file') }),
    ...(options?.key_file && { key: await read(options.key_file, 'key_file') }),
  }
}

/** RFC 6066 section 3: no IP address may be sent as a server name. */
const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':')

async function read(path: string, key: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new Error(`reading the file of tls.${key}`, { cause })
  }
}
