// probe.mjs SECONDS: reads a broker as state.json describes it from standard input, and ends well once each of
// its ports has answered in its own protocol, with a login where the protocol has one. Ends with 1 and a sentence
// when the time is over or the broker's process is gone.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

const broker = JSON.parse(readFileSync(0, 'utf8'))
const deadline = Date.now() + Number(process.argv[2]) * 1_000
const { username, password } = broker

const short = text => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)])

const mqttConnect = name => {
  const rest = Buffer.concat([
    short('MQTT'),
    Buffer.from([4, 0xc2, 0, 30]),
    ...[`${name}${process.pid}`.slice(0, 23), username, password].map(short),
  ])
  return Buffer.concat([Buffer.from([0x10, rest.length]), rest])
}

const saslPlain = () => {
  const response = Buffer.from(`\0${username}\0${password}`)
  const fields = Buffer.concat([
    Buffer.from([0xa3, 5]),
    Buffer.from('PLAIN'),
    Buffer.from([0xa0, response.length]),
    response,
  ])
  const list = Buffer.concat([Buffer.from([0, 0x53, 0x41, 0xc0, fields.length + 1, 2]), fields])
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, 2, 1, 0, 0]), list])
  frame.writeUInt32BE(frame.length)
  return Buffer.concat([Buffer.from('AMQP\x03\x01\x00\x00', 'latin1'), frame])
}

// What to send, and the bytes that a broker which is ready answers with. An AMQP SASL outcome of 0 is a login.
const conversations = {
  amqp: { send: saslPlain, ready: answer => /\0SD[\s\S]{1,3}?P\0/.test(answer.toString('latin1')) },
  mqtt: { send: mqttConnect, ready: answer => answer.length >= 4 && answer[0] === 0x20 && answer[3] === 0 },
  stomp: {
    send: () => `CONNECT\naccept-version:1.2\nhost:/\nlogin:${username}\npasscode:${password}\n\n\0`,
    ready: answer => answer.toString().startsWith('CONNECTED'),
  },
  http: {
    send: () =>
      `GET /api/overview HTTP/1.0\r\nauthorization: Basic ${Buffer.from(`${username}:${password}`).toString('base64')}\r\n\r\n`,
    ready: answer => / 200 /.test(answer.toString().split('\r\n')[0]),
  },
}
const silent = { send: () => '', ready: () => true }

const open = (name, port) => {
  if (!/^(amqp|mqtt|stomp)s/.test(name)) return connect(port, broker.host)
  const [ca, cert, key] = ['ca', 'cert', 'key'].map(part => readFileSync(broker.tls[part]))
  const wrongName = name.endsWith('WrongName') ? { checkServerIdentity: () => undefined } : {}
  return connectTls({ port, host: broker.host, servername: 'localhost', ca, cert, key, ...wrongName })
}

/** One attempt; resolves with what went wrong, or with nothing. */
const attempt = (name, port) =>
  new Promise(resolve => {
    const { send, ready } = conversations[/^(amqp|mqtt|stomp|http)/.exec(name)?.[0]] ?? silent
    const socket = open(name, port)
    let answer = Buffer.alloc(0)
    const finish = wrong => {
      socket.destroy()
      resolve(wrong)
    }
    socket.setTimeout(5_000, () => finish(`silent after ${answer.length} bytes`))
    socket.once('error', error => finish(error.message))
    socket.once('close', () =>
      finish(`closed after ${answer.length} bytes: ${answer.toString('latin1').slice(0, 80)}`),
    )
    socket.once(socket.encrypted ? 'secureConnect' : 'connect', () => {
      socket.write(send(name))
      if (ready(answer)) finish()
    })
    socket.on('data', data => {
      answer = Buffer.concat([answer, data])
      if (ready(answer)) finish()
    })
  })

// A process that has ended and waits for its parent (Z) is not alive.
const isAlive = pid => {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const untilReady = async ([name, port]) => {
  for (;;) {
    const wrong = await attempt(name, port)
    if (wrong === undefined) return
    if (broker.pid && !isAlive(broker.pid)) throw new Error(`the process of ${broker.name} ended`)
    if (Date.now() > deadline) throw new Error(`${name} on port ${port} did not answer: ${wrong}`)
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}

try {
  await Promise.all(Object.entries(broker.ports).map(untilReady))
} catch (error) {
  console.error(`Waiting for ${broker.name}: ${error.message}.`)
  process.exit(1)
}
