import { mqtt } from '../../src/adapters/mqtt/index.ts'
import type { LinkEvent, Source } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import { until } from '../support/until.ts'
import { idOf } from './fixture.ts'

type Raw = Readonly<Record<string, unknown>>

/** One endpoint as the configuration has it: parsed once, so that its links know of each other. */
export function endpoint(connection: Raw, source: Raw, route = 'route') {
  return {
    connection: mqtt.connection.parse(connection),
    connectionName: 'test',
    route,
    options: mqtt.source!.options.parse({ topic: 'a/b', ...source }),
  }
}

/** A source with all that it handed over and reported. */
export class Opened {
  readonly deliveries: Delivery[] = []
  readonly events: LinkEvent[] = []
  source!: Source

  static async at(at: ReturnType<typeof endpoint>, signal = new AbortController().signal): Promise<Opened> {
    const opened = new Opened()
    opened.source = await mqtt.source!.open(at, d => opened.deliveries.push(d), {
      signal,
      report: event => opened.events.push(event),
    })
    return opened
  }

  get ids(): string[] {
    return this.deliveries.map(d => idOf(d.message))
  }

  get notices(): string[] {
    return this.events.flatMap(e => (e.type === 'notice' ? [e.text] : []))
  }

  grant(messages: number): void {
    this.source.grant(messages, 2 ** 40)
  }

  /** Waits until at least so many deliveries came in all. */
  async came(total: number): Promise<void> {
    await until(() => this.deliveries.length >= total, { what: `${total} deliveries` })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.source.close()
  }
}
