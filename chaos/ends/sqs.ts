import { setTimeout as pause } from 'node:timers/promises'
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs'
import type { TestAws } from '../../test/support/fauxqs.ts'
import { bodyOf, type Numbered } from '../ledger.ts'
import type { End } from './end.ts'

/** What AWS takes in one call. */
const entries = 10

/** A queue of SQS, in fauxqs; the harness's own client goes past the faults. */
export function sqsEnd(aws: TestAws, isFifo: boolean): End {
  const urls = new Map<string, string>()
  const { hostname: host, port } = new URL(aws.endpoint)
  const { accessKeyId: access_key_id, secretAccessKey: secret_access_key } = aws.credentials
  const send = async (place: string, batch: readonly Numbered[]) => {
    const Entries = batch.map(one => ({
      Id: String(one.number),
      MessageBody: bodyOf(one),
      MessageAttributes: { group: { DataType: 'String', StringValue: one.group } },
      ...(isFifo && { MessageGroupId: one.group, MessageDeduplicationId: String(one.number) }),
    }))
    const { Failed = [] } = await aws.sqs.send(
      new SendMessageBatchCommand({ QueueUrl: urls.get(place)!, Entries }),
    )
    if (Failed.length > 0) throw new Error(`fauxqs took ${Failed.length} entries not`)
  }
  return {
    title: `SQS ${isFifo ? 'FIFO' : 'standard'} (fauxqs)`,
    address: { host, port: Number(port) },
    connection: via => ({
      protocol: 'sqs',
      endpoint: `http://${via.host}:${via.port}`,
      region: aws.region,
      access_key_id,
      secret_access_key,
    }),
    from: place => ({ queue: name(place), wait: '1s' }),
    to: place => ({ queue: name(place) }),
    async make(place) {
      // What a killed bridge had received comes again when this is over.
      urls.set(place, await aws.createQueue(name(place), { VisibilityTimeout: '5' }))
    },
    async send(place, batch) {
      for (let i = 0; i < batch.length; i += entries) await send(place, batch.slice(i, i + entries))
    },
    collector(place, arrive) {
      let stopped = new AbortController()
      let done: Promise<void> = Promise.resolve()
      const drain = async (signal: AbortSignal) => {
        while (!signal.aborted) {
          const came = await aws.drainQueue(urls.get(place)!, { timeout: 0, expect: 1 })
          const order = (m: (typeof came)[number]) => BigInt(m.Attributes?.SequenceNumber ?? 0)
          if (isFifo) came.sort((a, b) => Number(order(a) - order(b)))
          for (const { Body } of came) arrive(Body!)
          if (came.length === 0) await pause(50)
        }
      }
      return {
        async start() {
          stopped = new AbortController()
          done = drain(stopped.signal)
        },
        async stop() {
          stopped.abort()
          await done
        },
      }
    },
    close: async () => {},
  }

  function name(place: string): string {
    return isFifo ? `${place}.fifo` : place
  }
}
