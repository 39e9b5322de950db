import dns from 'node:dns'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A name of this machine that only processes know which run with the `environment` of a `dnsOutage`. */
export const localName = 'aws.sluice.test'

/** A name service that can be away, for a process that is started with this environment. */
export function dnsOutage(t: Pick<TestContext, 'after'>) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-dns-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const away = join(folder, 'away')
  return {
    environment: { NODE_OPTIONS: `--import=${import.meta.filename}`, SLUICE_TEST_DNS_AWAY: away },
    begin: () => writeFileSync(away, ''),
    end: () => rmSync(away),
  }
}

const { SLUICE_TEST_DNS_AWAY: switchedBy } = process.env
if (switchedBy !== undefined) {
  const usual = dns.lookup
  const lookup = (name: string, options: object, done: (error: Error | null) => void) => {
    if (name !== localName) return usual(name, options, done)
    if (!existsSync(switchedBy)) return usual('127.0.0.1', options, done)
    const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), {
      code: 'ENOTFOUND',
      syscall: 'getaddrinfo',
      hostname: name,
    })
    process.nextTick(done, error)
  }
  dns.lookup = lookup as typeof dns.lookup
  syncBuiltinESMExports()
}
