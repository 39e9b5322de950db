import type { TestContext } from 'node:test'
import {
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { replyToHeader, tokenHeader } from '../../src/route/reply/requests.ts'
import type { TestAws } from '../support/fauxqs.ts'

/**
 * A service on SQS as people write it with the SDK, which knows nothing of the bridge but two attributes: it answers to the
 * queue that it finds in one and echoes the other. Runs until the test ends or it is stopped.
 */
export function cloudService(t: TestContext, { sqs }: TestAws, queueUrl: string) {
  const stopped = new AbortController()
  const queues = new Map<string, Promise<string>>()
  const urlOf = (name: string) => {
    const known =
      queues.get(name) ?? sqs.send(new GetQueueUrlCommand({ QueueName: name })).then(q => q.QueueUrl!)
    queues.set(name, known)
    return known
  }
  let answered = 0

  async function answer(requests: readonly Message[]): Promise<void> {
    const to = await urlOf(requests[0]!.MessageAttributes![replyToHeader]!.StringValue!)
    const Entries = requests.map(({ Body, MessageAttributes }, i) => ({
      Id: String(i),
      MessageBody: `answer to ${Body}`,
      MessageAttributes: { [tokenHeader]: MessageAttributes![tokenHeader]! },
    }))
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: to, Entries }))
    if (Failed.length > 0) throw new Error(`answers that SQS did not take: ${JSON.stringify(Failed)}`)
    const done = requests.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle: ReceiptHandle! }))
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: done }))
    answered += requests.length
  }

  async function serve(): Promise<void> {
    const receive = {
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      MessageAttributeNames: ['All'],
    }
    while (!stopped.signal.aborted) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand(receive), {
        abortSignal: stopped.signal,
      })
      if (Messages.length > 0) await answer(Messages)
    }
  }

  const running = Promise.all([serve(), serve(), serve(), serve()]).catch(error => {
    if (!stopped.signal.aborted) throw error
  })
  t.after(async () => {
    stopped.abort()
    await running
  })
  return { answered: () => answered }
}

/** Sends requests as an application in the cloud does that waits at a queue of its own. */
export async function askFromCloud(
  sqs: SQSClient,
  queueUrl: string,
  questions: readonly { readonly id: string; readonly text: string; readonly answerTo: string }[],
): Promise<void> {
  for (let i = 0; i < questions.length; i += 10) {
    const Entries = questions.slice(i, i + 10).map(({ id, text, answerTo }, j) => ({
      Id: String(j),
      MessageBody: text,
      MessageAttributes: {
        request_id: { DataType: 'String', StringValue: id },
        answer_to: { DataType: 'String', StringValue: answerTo },
      },
    }))
    await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }))
  }
}
