import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Mailbox, type SinkFixture } from './sink-fixture.ts'

/** What the scripted sink says: one a line, as JSON. */
export interface Frame {
  readonly id: number
  readonly op: 'login' | 'look' | 'send' | 'ping'
  readonly place?: string
  readonly body?: string
  readonly user?: string
}

/** What it is answered; `blocked` stands alone, and says whether the broker takes anything now. */
export interface Answer {
  readonly id: number
  readonly no?: 'missing' | 'credentials' | 'size'
  readonly blocked?: boolean
}

/** Bytes of a body and its place that the broker takes. */
export const largest = 2 ** 23

/** A broker in this process. It knows places, takes what is sent there and answers each, and can hold up its publishers. */
export async function scriptedBroker(): Promise<SinkFixture<Buffer>> {
  const places = new Map<string, Mailbox<Buffer>>()
  let blocked = false
  const answer = ({ id, op, place = '', body = '', user }: Frame): Answer => {
    if (op === 'login' && user !== 'sluice') return { id, no: 'credentials' }
    if ((op === 'send' || op === 'look') && !places.has(place)) return { id, no: 'missing' }
    const bytes = Buffer.from(body, 'base64')
    if (bytes.length + place.length > largest) return { id, no: 'size' }
    if (op === 'send') places.get(place)!.put({ body: bytes, native: bytes })
    return { id }
  }
  const sockets = new Set<Socket>()
  const held: (() => void)[] = []
  const write = (socket: Socket, said: Answer) => void socket.write(`${JSON.stringify(said)}\n`)
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    const take = (line: string) => {
      const frame: Frame = JSON.parse(line)
      if (blocked && frame.op === 'send') held.push(() => write(socket, answer(frame)))
      else write(socket, answer(frame))
    }
    createInterface(socket)
      .on('line', take)
      .on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const setBlocked = async (now: boolean) => {
    blocked = now
    for (const socket of sockets) write(socket, { id: 0, blocked })
    if (!blocked) for (const goOn of held.splice(0)) goOn()
  }
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  let made = 0
  const raw = (place: string, { host, port } = address) => ({
    connection: { host, port, username: 'sluice' },
    sink: { place },
  })
  return {
    address,
    async create() {
      const name = `place-${++made}`
      places.set(name, new Mailbox())
      return name
    },
    endpoint: raw,
    templated: via => raw('${place}', via),
    addressOf: name => name,
    read: (name, isLast) => places.get(name)!.read(isLast),
    missing: 'no-such-place',
    async remove(name) {
      places.delete(name)
    },
    block: () => setBlocked(true),
    unblock: () => setBlocked(false),
    examples: [
      {
        title: 'a text',
        message: { body: { kind: 'text', text: 'é' }, headers: {}, properties: {} },
        check: native => {
          if (native.toString() !== 'é') throw new Error(`came as ${native}`)
        },
      },
    ],
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
