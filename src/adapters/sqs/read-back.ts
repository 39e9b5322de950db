import type { Endpoint, LinkContext, ReadBack } from '../../core/adapter.ts'
import { withAws } from '../shared/aws/opening.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import { onePlace, readQueue } from '../shared/read-back.ts'
import { openQueue } from './open-queue.ts'
import { type SqsSinkOptions, type SqsSourceOptions, sourceOptions } from './options.ts'
import { openSource } from './source.ts'

type At = Endpoint<AwsConnectionOptions, SqsSinkOptions>

/** Milliseconds: a receive waits so long, which asks all servers of SQS; two in a row without a message mean that there is none. */
const wait = 2_000
const quiet = 2 * wait + 1_000

/**
 * Receives, since SQS shows nothing otherwise: what is not removed is kept invisible and made visible again by closing.
 * Needs what a source needs.
 */
export async function readBack(at: At, context: LinkContext): Promise<ReadBack> {
  onePlace(at.options.queue)
  await tellOfQueue(at, context)
  const from = { ...at, options: readOptions(at.options) }
  return readQueue({ open: (deliver, own) => openSource(from, deliver, own), quiet }, context)
}

/** Reads as the sink writes: in its form, with the bodies that it has put into S3, which stay there. */
function readOptions({ queue, format, send_timeout, claim_check: check }: SqsSinkOptions): SqsSourceOptions {
  return {
    ...sourceOptions.parse({ queue, format, prefetch: 65_535, pollers: 4 }),
    wait,
    call_timeout: send_timeout,
    ...(check && {
      claim_check: { ...check, max_message_size: 256 * 2 ** 20, delete: false },
    }),
  }
}

async function tellOfQueue({ connection: options, options: own }: At, { signal, report }: LinkContext) {
  const attributes = await withAws(options, signal, async (connection, release) => {
    const found = await openQueue(connection, options, own.queue, own.send_timeout)
    await release()
    return found.attributes
  })
  const notice = (text: string) => report({ type: 'notice', text })
  const { ApproximateNumberOfMessages: there = '0', ApproximateNumberOfMessagesNotVisible: held = '0' } =
    attributes
  notice(
    `SQS cannot be browsed: these are the messages that it hands out now, of about ${there} (and about ${held} that ` +
      'others hold). What is left alone is invisible to others until this ends, and each receive counts',
  )
  const { RedrivePolicy: policy } = attributes
  if (policy !== undefined) notice(redriveNotice(policy))
  if (own.queue.endsWith('.fifo')) {
    notice(
      'of a FIFO queue, SQS hands out no more of a group while some of it are held: of the letters from one address only the ' +
        'first ten are seen, and what stays holds up those behind it until this ends',
    )
  }
}

function redriveNotice(policy: string): string {
  const { maxReceiveCount, deadLetterTargetArn } = parsed(policy)
  return (
    `the queue has a redrive policy of its own: what was received ${maxReceiveCount ?? 'too many'} times, and each look ` +
    `is a receive, SQS moves to ${deadLetterTargetArn ?? 'another queue'}`
  )
}

function parsed(policy: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(policy) ?? {}
  } catch {
    return {}
  }
}
