import { execFile, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { before, describe, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { type Broker, type BrokerName, describeOnBroker } from './brokers.ts'

const run = promisify(execFile)
const project = join(import.meta.dirname, '../jms')
const target = join(project, 'target')

/** What a JMS application sees of a value: its Java class, and its text. */
export type JavaValue = Readonly<Record<string, string | boolean>>

/** A message as a JMS application sees it (test/jms, Description.java). */
export interface JmsMessage {
  readonly kind: string
  /** Text as it is, bytes in hexadecimal, the entries of a map, the items of a stream, the object. */
  readonly body: unknown
  readonly properties: Readonly<Record<string, JavaValue>>
  readonly headers: Readonly<Record<string, string | number | null>>
}

/** What became of requests (test/jms, Request.java). */
export interface JmsAnswers {
  readonly asked: number
  /** Requests whose answer came, once, under the id of the request. */
  readonly right: number
  /** All other answers. */
  readonly wrong: number
  readonly firstWrong: string | null
  readonly milliseconds: number
}

/** JMS applications on one broker or SQS, each in a process of its own. */
export interface Jms {
  /** Sends one message of every sample; gives each as it was sent. */
  send(queue: string): Promise<readonly JmsMessage[]>
  read(queue: string, count: number): Promise<readonly JmsMessage[]>
  /** Asks so many questions at once from one temporary queue, and waits for the answers. */
  request(queue: string, count: number, ids?: 'correlation ids' | 'message ids'): Promise<JmsAnswers>
  /** Asks so many questions and is gone, with its temporary queue, before any answer. */
  abandon(queue: string, count: number): Promise<void>
  /** Starts a service that answers questions; resolves when it listens. `stop` gives how many it has answered. */
  serve(t: TestContext, queue: string): Promise<{ stop(): Promise<number> }>
}

/**
 * A suite with JMS applications on a broker. Where the broker, Java or Maven is missing the suite is one skipped test
 * that says so, or a failed one when SLUICE_REQUIRE_BROKERS=1.
 */
export async function describeWithJms(
  name: BrokerName,
  title: string,
  suite: (broker: Broker, jms: Jms) => void,
): Promise<void> {
  await describeOnBroker(name, title, broker => withJava(() => suite(broker, jmsAt(urlOf(broker)))))
}

/** The same with JMS applications on the Amazon SQS Java Messaging Library, wherever SQS is. */
export function describeWithJmsOnSqs(title: string, suite: (jmsAt: (endpoint: string) => Jms) => void): void {
  void describe(`${title} on SQS`, () => withJava(() => suite(jmsAt)))
}

/** Runs a class of test/jms that has a `main` of its own, and gives the JSON of its lines. */
export type RunJava = (main: string, ...args: readonly string[]) => Promise<readonly unknown[]>

/** A suite with Java programs that need no broker. */
export function describeWithJava(title: string, suite: (java: RunJava) => void): void {
  void describe(title, () => withJava(() => suite(runJava)))
}

const runJava: RunJava = async (main, ...args) =>
  lines(await outcome(spawn('java', [...java, main, ...args], { stdio: 'pipe' }), `the Java program ${main}`))

const java = [
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-cp',
  [join(target, 'classes'), join(target, 'lib/*')].join(delimiter),
]

function withJava(suite: () => void): void {
  const missing = ['java', 'javac', 'mvn'].filter(program => !isOnPath(program))
  if (missing.length === 0) {
    before(build, { timeout: 300_000 })
    suite()
    return
  }
  const why = `${missing.join(' and ')} cannot be found: scripts/brokers install`
  test(why, { skip: process.env.SLUICE_REQUIRE_BROKERS !== '1' }, () => {
    throw new Error(`${why}, and SLUICE_REQUIRE_BROKERS=1 asks for it`)
  })
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Compiles the programs, unless that was done. */
async function build(): Promise<void> {
  try {
    await run(join(project, 'build'))
  } catch (error) {
    throw new Error((error as { stderr?: string }).stderr || 'test/jms/build failed', { cause: error })
  }
}

function urlOf({ host, ports, username, password }: Broker): string {
  const login = new URLSearchParams({ 'jms.userName': username, 'jms.password': password })
  return `tcp://${host}:${ports.openwire ?? ports.core}?${login}`
}

function jmsAt(url: string): Jms {
  const start = (command: string, queue: string, count?: number) => {
    const more = count === undefined ? [] : [String(count)]
    const child = spawn('java', [...java, 'sluice.jms.Main', command, url, queue, ...more], { stdio: 'pipe' })
    return { child, ended: outcome(child, `the JMS program ${command} ${queue}`) }
  }
  const all = async (command: string, queue: string, count?: number) =>
    lines(await start(command, queue, count).ended)
  return {
    send: async queue => (await all('send', queue)) as JmsMessage[],
    read: async (queue, count) => (await all('read', queue, count)) as JmsMessage[],
    request: async (queue, count, ids = 'correlation ids') => {
      const command = ids === 'message ids' ? 'request-by-message-id' : 'request'
      return (await all(command, queue, count))[0] as JmsAnswers
    },
    abandon: async (queue, count) => void (await all('abandon', queue, count)),
    serve: async (t, queue) => {
      const { child, ended } = start('serve', queue)
      t.after(() => child.kill('SIGKILL'))
      const listening = new Promise(resolve => child.stdout.once('data', resolve))
      await Promise.race([listening, ended])
      const stop = async () => {
        child.stdin.end()
        const [, last] = lines(await ended) as { answered: number }[]
        return last!.answered
      }
      return { stop }
    },
  }
}

/** What the process has written when it ends well; rejects with its complaints when it does not. */
function outcome(child: ReturnType<typeof spawn>, what: string): Promise<string> {
  let out = ''
  let err = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    out += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    err += text
  })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  child.once('error', reject)
  child.once('close', code => {
    if (code === 0) resolve(out)
    else reject(new Error(`${what} ended with code ${code}: ${err}`))
  })
  return promise
}

const lines = (out: string): unknown[] =>
  out
    .trim()
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
