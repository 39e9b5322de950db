import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { AwsConnection } from '../../src/adapters/shared/aws/connection.ts'
import { brokerUrls } from '../../src/adapters/shared/options.ts'
import { tlsOptions } from '../../src/adapters/shared/tls.ts'
import { describeOnBroker } from '../support/brokers.ts'

await describeOnBroker('mosquitto', 'TLS, whatever the environment says', ({ tls }) => {
  async function serve(t: { after(f: () => void): void }, versions: object): Promise<number> {
    const server = createServer({
      cert: readFileSync(tls.cert),
      key: readFileSync(tls.key),
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...versions,
    })
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
    return (server.address() as AddressInfo).port
  }
  const old = { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }

  async function broker(port: number): Promise<void> {
    const [url] = brokerUrls({ amqps: { port: 1, tls: true } }).parse([`amqps://127.0.0.1:${port}`])
    const socket = connect({ ...(await tlsOptions(url!, undefined)), ciphers: 'DEFAULT@SECLEVEL=0' })
    await once(socket, 'secureConnect').finally(() => socket.destroy())
  }

  async function aws(port: number): Promise<void> {
    const { requestHandler } = new AwsConnection({} as never).config(5_000)
    const agent = (requestHandler as { httpsAgent: never }).httpsAgent
    const call = request({ host: '127.0.0.1', port, agent, ciphers: 'DEFAULT@SECLEVEL=0' }).end()
    await once(call, 'response')
  }

  for (const [who, connects] of Object.entries({ broker, aws })) {
    test(`${who}: TLS 1.1 is not spoken`, async t => {
      const port = await serve(t, old)
      await assert.rejects(connects(port), /protocol version|unsupported|EPROTO/i)
    })

    test(`${who}: NODE_TLS_REJECT_UNAUTHORIZED turns no verification off`, async t => {
      const port = await serve(t, {})
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
      process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
      t.after(() => {
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
        else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
      })
      await assert.rejects(connects(port), /certificate|altnames|self.signed|verify/i)
    })
  }
})
