import { z } from 'zod'
import { Secret } from '../../core/secret.ts'
import { formatDuration, formatSize, parseDuration, parseSize } from '../../core/units.ts'

/**
 * The option types that adapters share. All of them are codecs, so that a parsed configuration can be written back
 * as people write it (`sluice validate --print`); none may be a one-way transform.
 */

/** Timers hold 31 bits of milliseconds. */
const aDuration = 'expected a duration from 1ms to 24d, such as 200ms, 30s, 5m or 12h'
const aSize = 'expected a size such as 300B, 256KiB or 64MiB'

/** Written `30s`; parsed to milliseconds. Defaults: `duration.prefault('30s')`. */
export const duration = z.codec(z.string({ error: aDuration }), z.number(), {
  decode: (written, { issues }) => {
    const parsed = parseDuration(written)
    return parsed && parsed < 2 ** 31 ? parsed : refuse(issues, written, aDuration)
  },
  encode: formatDuration,
})

/** Written `64MiB`; parsed to bytes. Defaults: `size.prefault('64MiB')`. */
export const size = z.codec(z.string({ error: aSize }), z.number(), {
  decode: (written, { issues }) => parseSize(written) || refuse(issues, written, aSize),
  encode: formatSize,
})

/** A password; written `${env:NAME}` or `${file:PATH}` as a rule, and never printed. */
export const secret = z.codec(z.string(), z.instanceof(Secret), {
  decode: value => new Secret(value),
  encode: String,
})

/** One address of a broker, taken apart. `text` is how it was written. */
export interface BrokerUrl {
  readonly text: string
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** The path without its slash, percent-decoded (AMQP 0-9-1: the virtual host), or '' when there is none. */
  readonly path: string
}

/** Schemes a protocol's URLs may have, each with its default port. */
export type Schemes = Readonly<Record<string, { readonly port: number; readonly tls: boolean }>>

/** A broker's addresses, tried in turn (Amazon MQ active/standby pairs have two). */
export function brokerUrls(schemes: Schemes) {
  const expected = `expected a URL of the form ${Object.keys(schemes)
    .map(s => `${s}://host:port`)
    .join(' or ')}`
  const url = z.codec(z.string(), z.custom<BrokerUrl>(), {
    decode: (written, { issues }) => {
      const parsed = URL.parse(written)
      const scheme = parsed && schemes[parsed.protocol.slice(0, -1)]
      if (!parsed || !scheme || parsed.hostname === '') return refuse(issues, written, expected)
      const decoded = percentDecoded(parsed.pathname.slice(1))
      if (decoded === undefined) return refuse(issues, written, expected)
      if (parsed.username !== '' || parsed.password !== '') {
        return refuse(
          issues,
          '***',
          'expected a URL without credentials: they go under username and password',
        )
      }
      return {
        text: written,
        host: parsed.hostname.replace(/^\[|\]$/g, ''),
        port: parsed.port === '' ? scheme.port : Number(parsed.port),
        tls: scheme.tls,
        path: decoded,
      }
    },
    encode: broker => broker.text,
  })
  return z.array(url).min(1).describe('addresses of the broker, tried in turn')
}

const tls = z
  .strictObject({
    ca_file: z
      .string()
      .optional()
      .describe('PEM file of the authorities to trust, instead of the public ones'),
    cert_file: z.string().optional().describe('PEM file of our certificate, for mutual TLS'),
    key_file: z.string().optional().describe('PEM file of the key of our certificate'),
    server_name: z
      .string()
      .optional()
      .describe("name the broker's certificate must have, where it is not the host"),
  })
  .refine(o => (o.cert_file === undefined) === (o.key_file === undefined), {
    error: 'cert_file and key_file go together',
  })

export type TlsOptions = z.output<typeof tls>

/** The keys that every connection to a broker has. Spread into the adapter's own `z.strictObject`. */
export const brokerConnection = (schemes: Schemes) => ({
  urls: brokerUrls(schemes),
  username: z.string().optional().describe('user name'),
  password: secret.optional().describe('password'),
  tls: tls.optional().describe('TLS beyond what the URL says'),
  connect_timeout: duration.prefault('10s').describe('time limit of each step of connecting and opening'),
  heartbeat: duration.prefault('30s').describe('a peer silent for twice this long is taken for dead'),
})

/** The keys that every source has. */
export const sourceCredit = {
  prefetch: z
    .int()
    .min(1)
    .max(65_535)
    .default(500)
    .describe('unsettled messages the broker may hand out to this route'),
}

/** The key of a source whose peer could send without end. As much as the largest that brokers take unless told otherwise. */
export const sourceSize = {
  max_message_size: size
    .prefault('128MiB')
    .describe(
      'a larger message ends the link before it is in memory, so that a broken peer cannot eat that; it stays with its broker',
    ),
}

/** The key of a source whose broker may take messages back that are held for long. */
export const holdLimit = {
  hold_limit: duration
    .optional()
    .describe(
      'a message that is not settled by then is given back, with all others, until its target is there: less than the ' +
        'consumer_timeout of RabbitMQ, where that is not its default of 30 minutes. Absent: 20m on RabbitMQ, else no limit',
    ),
}

/** The keys that every sink with a network between has. */
export const sinkTimeout = {
  send_timeout: duration
    .prefault('30s')
    .describe('time limit of a send; when it ends the result is unknown and the message is sent again'),
}

/** A part of an address: `${…}` in it stands for something of each message. */
export const template = z.string().min(1)

type Issue = { code: 'custom'; input: unknown; message: string }

function refuse(issues: { push(issue: Issue): unknown }, written: string, expected: string): never {
  issues.push({ code: 'custom', input: written, message: expected })
  return z.NEVER
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
