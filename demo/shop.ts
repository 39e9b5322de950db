import rhea from 'rhea'

/** A client of the AMQP broker that asks for prices and waits for the answers at a queue of its own. */
export async function openShop(port: number) {
  const container = rhea.create_container({ id: 'demo-shop' })
  const connection = container.connect({ host: '127.0.0.1', port, username: 'shop', reconnect: false })
  const waitingFor = new Map<string, string>()
  let asked = 0
  let wrong = 0
  const answered = new Set<string>()
  connection.open_receiver({ source: 'ANSWERS-shop' }).on('message', ({ message }: rhea.EventContext) => {
    const id = String(message!.correlation_id)
    if (waitingFor.get(id) === message!.body) answered.add(id)
    else wrong++
  })
  const sender = connection.open_sender('QUESTIONS')
  await new Promise(resolve => sender.once('sendable', resolve))
  return {
    ask() {
      const id = `price-${++asked}`
      waitingFor.set(id, `${asked} costs ${asked * 3}`)
      sender.send({ correlation_id: id, reply_to: 'ANSWERS-shop', body: String(asked) })
    },
    /** Questions whose own answer has come. */
    get answered() {
      return answered.size
    },
    /** Answers that belong to no question, or to another. */
    get wrong() {
      return wrong
    },
    close: () => connection.close(),
  }
}
