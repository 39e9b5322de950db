import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import rhea from 'rhea'

interface Queue {
  readonly waiting: rhea.Message[]
  readonly receivers: Map<rhea.Sender, Map<rhea.Delivery, rhea.Message>>
}

/** AMQP 1.0 queues in this process, each made at first use. A message stays until its receiver has accepted it. */
export async function startAmqpBroker() {
  const queues = new Map<string, Queue>()
  const container = rhea.create_container({ id: 'demo-broker' })

  const queueOf = (name: string): Queue => {
    const queue = queues.get(name) ?? { waiting: [], receivers: new Map() }
    queues.set(name, queue)
    return queue
  }
  const dispatch = ({ waiting, receivers }: Queue) => {
    for (const [sender, unsettled] of receivers) {
      while (waiting.length > 0 && sender.sendable()) {
        const message = waiting.shift()!
        unsettled.set(sender.send(message), message)
      }
    }
  }
  const put = (name: string, message: rhea.Message) => {
    queueOf(name).waiting.push(message)
    dispatch(queueOf(name))
  }
  const giveBack = (sender: rhea.Sender) => {
    const queue = queueOf(sender.source.address)
    queue.waiting.unshift(...(queue.receivers.get(sender)?.values() ?? []))
    queue.receivers.delete(sender)
    dispatch(queue)
  }
  const giveBackAll = ({ connection }: rhea.EventContext) => {
    const gone = [...queues.values()].flatMap(({ receivers }) => [...receivers.keys()])
    for (const sender of gone) if (sender.connection === connection) giveBack(sender)
  }

  container.on('sender_open', ({ sender }: rhea.EventContext) => {
    sender!.set_source({ address: sender!.source.address })
    queueOf(sender!.source.address).receivers.set(sender!, new Map())
  })
  container.on('sendable', ({ sender }: rhea.EventContext) => dispatch(queueOf(sender!.source.address)))
  container.on('sender_draining', ({ sender }: rhea.EventContext) => {
    dispatch(queueOf(sender!.source.address))
    sender!.set_drained(true)
  })
  container.on('accepted', ({ sender, delivery }: rhea.EventContext) =>
    queueOf(sender!.source.address).receivers.get(sender!)?.delete(delivery!),
  )
  container.on('released', ({ sender, delivery }: rhea.EventContext) => {
    const queue = queueOf(sender!.source.address)
    const message = queue.receivers.get(sender!)?.get(delivery!)
    queue.receivers.get(sender!)?.delete(delivery!)
    if (message) queue.waiting.unshift(message)
    dispatch(queue)
  })
  container.on('sender_close', ({ sender }: rhea.EventContext) => giveBack(sender!))
  container.on('receiver_open', ({ receiver }: rhea.EventContext) => {
    receiver!.set_target({ address: receiver!.target.address })
  })
  // What a sender has sent is accepted by rhea once this has run.
  container.on('message', ({ receiver, message }: rhea.EventContext) =>
    put(receiver!.target.address, message!),
  )
  container.on('connection_close', giveBackAll)
  container.on('disconnected', giveBackAll)

  const server = container.listen({ host: '127.0.0.1', port: 0 }) as Server
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    put,
    close: () => void server.close(),
  }
}
