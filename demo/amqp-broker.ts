import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import rhea from 'rhea'

interface Stored {
  readonly message: rhea.Message
}

/** One AMQP 1.0 queue in this process. A message stays until its receiver has accepted it. */
export async function startAmqpBroker() {
  const waiting: Stored[] = []
  const receivers = new Map<rhea.Sender, Map<rhea.Delivery, Stored>>()
  const container = rhea.create_container({ id: 'demo-broker' })

  const dispatch = () => {
    for (const [sender, unsettled] of receivers) {
      while (waiting.length > 0 && sender.sendable()) {
        const stored = waiting.shift()!
        unsettled.set(sender.send(stored.message), stored)
      }
    }
  }
  const giveBack = (sender: rhea.Sender) => {
    waiting.unshift(...(receivers.get(sender)?.values() ?? []))
    receivers.delete(sender)
    dispatch()
  }
  const giveBackAll = ({ connection }: rhea.EventContext) => {
    for (const sender of [...receivers.keys()]) if (sender.connection === connection) giveBack(sender)
  }

  container.on('sender_open', ({ sender }: rhea.EventContext) => {
    sender!.set_source({ address: sender!.source.address })
    receivers.set(sender!, new Map())
  })
  container.on('sendable', dispatch)
  container.on('sender_draining', ({ sender }: rhea.EventContext) => {
    dispatch()
    sender!.set_drained(true)
  })
  container.on('accepted', ({ sender, delivery }: rhea.EventContext) =>
    receivers.get(sender!)?.delete(delivery!),
  )
  container.on('released', ({ sender, delivery }: rhea.EventContext) => {
    const stored = receivers.get(sender!)?.get(delivery!)
    receivers.get(sender!)?.delete(delivery!)
    if (stored) waiting.unshift(stored)
    dispatch()
  })
  container.on('sender_close', ({ sender }: rhea.EventContext) => giveBack(sender!))
  container.on('connection_close', giveBackAll)
  container.on('disconnected', giveBackAll)

  const server = container.listen({ host: '127.0.0.1', port: 0 }) as Server
  await once(server, 'listening')
  return {
    url: `amqp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    put(message: rhea.Message) {
      waiting.push({ message })
      dispatch()
    },
    close: () => void server.close(),
  }
}
