import type { Broker } from '../test/support/brokers.ts'
import { startAws } from '../test/support/fauxqs.ts'
import { until } from '../test/support/until.ts'
import { startBridge } from './children.ts'
import { brokerConnection, cloud, dead, mebibytes } from './ends.ts'
import { createQueue, produceAmqp } from './produce.ts'

const bucket = 'bench'

/** A backlog of bodies that go to S3, of which SQS gets pointers. SQS and S3 are those of fauxqs, in this process. */
export async function throughS3(broker: Broker, count: number, bytes: number) {
  const name = `bench-${process.pid}-claim-check`
  const queue = await createQueue(broker, name)
  await produceAmqp(broker, name, count, Buffer.alloc(bytes, 'x'))
  await using aws = await startAws()
  aws.emulator.createBucket(bucket)
  await aws.createQueue('bench')
  await using bridge = await startBridge({
    connections: {
      mq: { protocol: 'amqp10', ...brokerConnection(broker, 'amqp') },
      cloud: cloud(aws.directEndpoint),
    },
    routes: {
      bench: {
        from: { connection: 'mq', queue: name },
        targets: { main: { connection: 'cloud', queue: 'bench', claim_check: { bucket } } },
        dead_letter: dead,
      },
    },
  })
  const memory: number[] = []
  const confirmed = async (least: number): Promise<number> => {
    let done = 0
    const isThere = async () => {
      memory.push((await bridge.usage()).rss)
      // What is stored is not read again.
      aws.emulator.emptyBucket(bucket)
      done = aws.emulator.inspectQueue('bench')?.messages.ready.length ?? 0
      return done >= least
    }
    await until(isThere, { what: `${least} confirmed`, timeout: 120_000, every: 200 })
    return done
  }
  const first = await confirmed(count / 10)
  const [from, began] = [await bridge.usage(), performance.now()]
  memory.length = 0
  await confirmed(count)
  const seconds = (performance.now() - began) / 1000
  const to = await bridge.usage()
  await queue.drop()
  const perSecond = (count - first) / seconds
  return {
    run: `AMQP 1.0 backlog, bodies of ${bytes / 1024} KiB to S3 and pointers to SQS, both of fauxqs`,
    'messages/s': Math.round(perSecond),
    'MiB/s': mebibytes(perSecond * bytes),
    'CPU us/message': Math.round(((to.cpu - from.cpu) * 1e6) / (count - first)),
    'RSS MiB at its begin': mebibytes(from.rss),
    'largest RSS MiB': mebibytes(Math.max(...memory)),
    'RSS MiB at its end': mebibytes(to.rss),
  }
}
