import type { ConnectionOptions } from './options.ts'

type Start = (callback: (error: undefined, response: Buffer) => void) => void
export type Mechanisms = Readonly<Record<string, () => { readonly start: Start }>>

const answering = (response: Buffer) => () => ({
  start: (callback => callback(undefined, response)) as Start,
})

/**
 * How we authenticate. Ours in the place of rhea's, whose PLAIN cuts off what is not ASCII.
 * Without a username the certificate stands for us where the broker takes it (EXTERNAL), else we are anonymous.
 */
export function saslMechanisms(options: ConnectionOptions, tls: boolean): Mechanisms {
  const { username, password } = options
  if (username !== undefined && password !== undefined) {
    return { PLAIN: answering(Buffer.from(`\0${username}\0${password.reveal()}`)) }
  }
  const anonymous = { ANONYMOUS: answering(Buffer.from(username ?? 'anonymous')) }
  const certificate = tls && options.tls?.cert_file !== undefined
  return certificate ? { EXTERNAL: answering(Buffer.alloc(0)), ...anonymous } : anonymous
}
