import { type Channel, type ChannelModel, connect } from 'amqplib'
import type { Broker } from '../../test/support/brokers.ts'
import { bodyOf } from '../ledger.ts'
import { type End, Renewed } from './end.ts'

/** How Sluice reaches the queue; the harness's own client is amqplib in any case. */
interface Way {
  readonly protocol: string
  readonly scheme: string
  readonly port: string
}

/** A queue of RabbitMQ, classic and durable: a quorum queue would count each kill as a delivery and drop the message in the end. */
export function rabbitEnd(broker: Broker, way: Way, title: string): End {
  const { host, ports, username, password } = broker
  const at = { host, port: ports.amqp! }
  // amqplib throws what goes wrong with a connection where nobody listens.
  const dial = async () => {
    const model = await connect({ hostname: host, port: at.port, username, password })
    return model.on('error', () => {})
  }
  const generator = new Renewed(
    async () => {
      const model = await dial()
      const channel = await model.createConfirmChannel()
      return { model, channel: channel.on('error', () => {}) }
    },
    ({ model }) => model.close(),
  )
  return {
    title,
    address: { host, port: ports[way.port]! },
    connection: via => ({
      protocol: way.protocol,
      urls: [`${way.scheme}://${via.host}:${via.port}`],
      username,
      password,
    }),
    from: (queue, isOrdered) => ({ queue, ...(isOrdered && { exclusive: true }) }),
    to: queue => ({ queue }),
    async make(queue) {
      const model = await dial()
      const channel = await model.createChannel()
      await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'classic' } })
      await model.close()
    },
    send: (queue, batch) =>
      generator.use(({ channel }) => {
        const confirms = batch.map(
          one =>
            new Promise<void>((resolve, reject) => {
              const options = { persistent: true, headers: { group: one.group } }
              channel.sendToQueue(queue, Buffer.from(bodyOf(one)), options, error =>
                error ? reject(error as Error) : resolve(),
              )
            }),
        )
        return Promise.all(confirms)
      }),
    collector(queue, arrive) {
      let model: ChannelModel
      let channel: Channel
      let tag: string
      return {
        async start() {
          model = await dial()
          channel = await model.createChannel()
          await channel.prefetch(500)
          const consumer = await channel.consume(queue, message => {
            if (!message) return
            arrive(message.content.toString())
            channel.ack(message)
          })
          tag = consumer.consumerTag
        },
        async stop() {
          await channel.cancel(tag)
          await model.close()
        },
      }
    },
    close: () => generator.close(),
  }
}
