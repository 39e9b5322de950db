import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { startFauxqs } from 'fauxqs'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Request {
  /** E.g. SendMessageBatch. */
  readonly action: string
  readonly body: string
  /** Has the emulator answer it. */
  forward(body?: string): Promise<Answer>
}

/** Answers in place of the emulator; 'never' leaves the caller waiting, 'half' does so in the middle of the answer. */
export type Fault = (request: Request) => Promise<Reply> | Reply
type Reply = Answer | 'never' | 'half'

/** An AWS in this process: fauxqs behind a listener that can answer in its place. */
export async function startAws() {
  const emulator = await startFauxqs({ port: 0, logger: false })
  let fault: Fault = request => request.forward()
  const seen: Request[] = []
  const server = createServer(async (req, res) => {
    const body = (await buffer(req)).toString()
    const action =
      /\.(\w+)$/.exec(String(req.headers['x-amz-target']))?.[1] ?? /Action=(\w+)/.exec(body)?.[1] ?? ''
    const forward = async (changed = body): Promise<Answer> => {
      const {
        host: _,
        'content-length': __,
        connection: ___,
        ...headers
      } = req.headers as Record<string, string>
      const answer = await fetch(`${emulator.address}${req.url}`, { method: 'POST', headers, body: changed })
      const type = answer.headers.get('content-type') ?? ''
      const code = answer.headers.get('x-amzn-query-error')
      const own: Record<string, string> = {
        'content-type': type,
        ...(code !== null && { 'x-amzn-query-error': code }),
      }
      return { status: answer.status, headers: own, body: await answer.text() }
    }
    const request = { action, body, forward }
    seen.push(request)
    const answer = await fault(request)
    if (answer === 'never') return
    if (answer === 'half') return res.writeHead(200, { 'content-length': 1000 }).write('{')
    res.writeHead(answer.status, answer.headers).end(answer.body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    endpoint,
    emulator,
    /** Everything that was asked, in order. */
    seen,
    /** From now on, for the actions with this name; without a fault, none. */
    set fault(on: { readonly action: string; readonly answer: Fault } | undefined) {
      fault = request => (on?.action === request.action ? on.answer(request) : request.forward())
    },
    connection: { region: 'eu-west-1', endpoint, access_key_id: 'test', secret_access_key: 'test' },
    async stop() {
      server.closeAllConnections()
      server.close()
      await emulator.stop()
    },
  }
}

/** An error as SQS answers it. */
export const sqsError = (status: number, type: string, message: string, queryCode?: string): Answer => ({
  status,
  headers: {
    'content-type': 'application/x-amz-json-1.0',
    ...(queryCode !== undefined && { 'x-amzn-query-error': `${queryCode};Sender` }),
  },
  body: JSON.stringify({ __type: `com.amazonaws.sqs#${type}`, message }),
})

/** An error as SNS answers it. */
export const snsError = (status: number, code: string, message: string): Answer => ({
  status,
  headers: { 'content-type': 'text/xml' },
  body:
    '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">' +
    `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>` +
    '<RequestId>1</RequestId></ErrorResponse>',
})
