import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Deliver, Endpoint, Source, SourceOptions } from '../../src/core/adapter.ts'
import type { Delivery } from '../../src/core/delivery.ts'
import { until } from '../support/until.ts'
import { idOf, type RawEndpoint, type SourceAdapter } from './fixture.ts'

const anyBytes = 2 ** 40

/** Parses an endpoint as the configuration does. The route is the place's name, so that ids stay the same. */
export function parse<C, O extends SourceOptions>(
  adapter: SourceAdapter<C, O>,
  name: string,
  raw: RawEndpoint,
): Endpoint<C, O> {
  return {
    connection: adapter.connection.parse(raw.connection),
    connectionName: 'conformance',
    route: name,
    options: adapter.source!.options.parse(raw.source),
  }
}

/** Opens a source on an endpoint that it knows. */
export type Open = (deliver: Deliver, signal?: AbortSignal) => Promise<Source>

export function opener<C, O extends SourceOptions>(adapter: SourceAdapter<C, O>, at: Endpoint<C, O>): Open {
  return (deliver, signal = new AbortController().signal) =>
    adapter.source!.open(at, deliver, { signal, report: () => {} })
}

/** One open source, all that it handed over, and a check that no more came than was granted. */
export class Consumer {
  readonly source: Source
  readonly deliveries: Delivery[]
  #granted = 0

  constructor(source: Source, deliveries: Delivery[]) {
    this.source = source
    this.deliveries = deliveries
  }

  static open<C, O extends SourceOptions>(
    adapter: SourceAdapter<C, O>,
    at: Endpoint<C, O>,
    signal?: AbortSignal,
  ): Promise<Consumer> {
    return Consumer.by(opener(adapter, at), signal)
  }

  static async by(open: Open, signal?: AbortSignal): Promise<Consumer> {
    const deliveries: Delivery[] = []
    return new Consumer(await open(delivery => deliveries.push(delivery), signal), deliveries)
  }

  /** Closes when the test ends, whatever happened. */
  closeAfter(t: TestContext): this {
    t.after(() => this.source.close())
    return this
  }

  get ids(): string[] {
    return this.deliveries.map(d => idOf(d.message))
  }

  grant(messages: number): void {
    this.#granted += messages
    this.source.grant(messages, anyBytes)
  }

  /** Waits until so many came in all; more than that, or more than granted, is a failure. */
  async came(total: number): Promise<readonly Delivery[]> {
    await until(() => this.deliveries.length >= total, { what: `${total} deliveries` })
    assert.ok(this.deliveries.length <= this.#granted, 'more was handed over than was granted')
    assert.equal(this.deliveries.length, total)
    return this.deliveries
  }

  /** Grants so many and waits until they came. */
  take(messages: number): Promise<readonly Delivery[]> {
    this.grant(messages)
    return this.came(this.#granted)
  }
}
