import type { Message } from '../src/core/message.ts'
import { compileMapping, type Rule } from '../src/route/mapping/mapping.ts'

/** What rules cost in this process: no broker, no other work. */

/** One as a JMS client of a shop sends it: nine headers, 600 bytes of JSON. */
const message = (i: number): Message => ({
  address: 'ORDERS',
  body: { kind: 'text', text: order(i) },
  properties: {
    messageId: { type: 'string', value: `ID:shop-${i}` },
    contentType: 'application/json',
    priority: 4,
    durable: true,
    createdAt: 1_700_000_000_000 + i,
    deduplicationId: `d-${i}`,
  },
  headers: {
    type: { type: 'string', value: 'order' },
    account: { type: 'int64', value: 9_007_199_254_740_993n + BigInt(i) },
    region: { type: 'string', value: 'eu' },
    shop: { type: 'int32', value: i % 100 },
    retry: { type: 'bool', value: false },
    weight: { type: 'float64', value: 1.5 },
    JMSXDeliveryCount: { type: 'int32', value: 1 },
    traceparent: { type: 'string', value: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
    source: { type: 'string', value: 'web' },
  },
})

const order = (i: number): string =>
  JSON.stringify({
    id: `o-${i}`,
    created: '2026-11-25T10:00:00Z',
    customer: {
      id: i % 1_000,
      name: 'Müller & Söhne',
      address: { street: 'Hauptstrasse 1', city: 'Bern', zip: '3011' },
    },
    lines: [
      { sku: 'A-100', text: 'Schrauben M4, 100 Stück', qty: 2, price: 4.95 },
      { sku: 'B-7', text: 'Bohrer 3.2 mm', qty: 1, price: 12.4 },
      { sku: 'C-19', text: 'Wasserwaage 60 cm', qty: 1, price: 39.9 },
    ],
    payment: { kind: 'invoice', days: 30, currency: 'CHF' },
    note: 'Please ring twice. '.repeat(6),
  })

const rules: Readonly<Record<string, readonly Rule[]>> = {
  none: [],
  'drop_if, two sets, a template': [
    { drop_if: 'headers.type = "heartbeat" or headers.retry' },
    { set: { headers: { tenant: '${headers.account}' } } },
    {
      set: {
        group_id: '${headers.account}',
        headers: { route: '${address}/${headers.region}-${headers.shop}' },
      },
    },
  ],
  'the same and a field of the JSON body': [
    { drop_if: 'headers.type = "heartbeat" or headers.retry' },
    { set: { headers: { tenant: '${body.customer.id}' } } },
    {
      set: {
        group_id: '${headers.account}',
        headers: { route: '${address}/${headers.region}-${headers.shop}' },
      },
    },
  ],
  'a JSONata reshaping of a small order': [
    {
      transform:
        '{"order": body.id, "customer": body.customer.name, "total": $sum(body.lines.(qty * price)), "skus": body.lines.sku}',
    },
  ],
  'one that is sorted': [
    {
      transform:
        '{"order": body.id, "skus": body.lines^(price).sku, "total": $sum(body.lines.(qty * price))}',
    },
  ],
  'one with functions over its lines and groups': [
    {
      transform:
        '{"order": body.id, "lines": $map(body.lines, function($l) { $l.sku & " x " & $l.qty }), "dear": $filter(body.lines, function($l) { $l.price > 10 }).sku, "quantities": body.lines{sku: $sum(qty)}}',
    },
  ],
  'one that JSONata itself answers': [
    {
      transform:
        '{"order": $substringAfter(body.id, "-"), "skus": body.lines^(price).sku, "total": $sum(body.lines.(qty * price))}',
    },
  ],
}

export interface MappingCost {
  readonly name: string
  /** CPU a message over no rule at all. */
  readonly cpuMicroseconds: number
}

/** The best of several rounds, since what else the machine does only adds. */
export async function mappingCosts(): Promise<readonly MappingCost[]> {
  const costs: { readonly name: string; readonly cpu: number }[] = []
  for (const [name, list] of Object.entries(rules)) {
    const step = compileMapping(list)
    let cpu = Number.POSITIVE_INFINITY
    for (let round = 0; round < 12; round++) {
      const messages = Array.from({ length: 5_000 }, (_, i) => message(i))
      const before = process.cpuUsage()
      for (const one of messages) {
        const mapped = step(one)
        if (mapped instanceof Promise) await mapped
      }
      const { user, system } = process.cpuUsage(before)
      cpu = Math.min(cpu, (user + system) / messages.length)
    }
    costs.push({ name, cpu })
  }
  const none = costs[0]!.cpu
  return costs.slice(1).map(({ name, cpu }) => ({ name, cpuMicroseconds: cpu - none }))
}
