import type { Way } from '../bridge.ts'
import { atTime } from './clock.ts'
import { loadMessage } from './message-file.ts'
import type { Received } from './read-message.ts'
import { type Explanation, trace } from './trace.ts'

/** What becomes of the message in a file. Throws ConfigInvalid for a file that is none. */
export async function explainFile(way: Way, file: string): Promise<Explanation> {
  return explained(way, loadMessage(file, addressOf(way)))
}

/** So long (ms) looking at a source may take. */
const patience = 60_000

/** What becomes of the first message that waits at the source of the route. Throws where it cannot be looked at. */
export async function explainPeeked(way: Way): Promise<Explanation> {
  const { kind, at } = way.route.from
  const signal = AbortSignal.timeout(patience)
  const message = await kind.peek(at, { signal, trial: true, report: () => {} })
  if (!message) throw new Error(`no message waits in ${addressOf(way)}`)
  return explained(way, { message, at: Date.now() })
}

/** The clock stands still at the receipt, so that the same message is explained in the same words each time. */
export const explained = (way: Way, received: Received): Promise<Explanation> =>
  atTime(received.at, () => trace(way, received))

/** What the route reads, as people wrote it: where a message came from that does not say. */
export function addressOf({ route: { from } }: Way): string {
  const { queue, topic, address } = from.at.options as unknown as Readonly<Record<string, string | undefined>>
  return queue ?? topic ?? address ?? ''
}

export const explanationJson = (explanation: Explanation): string =>
  JSON.stringify(jsonOf(explanation), null, 2)

/** Without what the reader has already, and bytes in base64. */
function jsonOf({ route, at, steps, targets }: Explanation): object {
  return {
    route,
    at: new Date(at).toISOString(),
    steps,
    targets: targets.map(({ result, ...target }) => ({
      ...target,
      result:
        result.is === 'sent'
          ? {
              ...result,
              limit: Number.isFinite(result.limit) ? result.limit : null,
              shown: shownJson(result.shown),
            }
          : result,
    })),
  }
}

const shownJson = ({
  body,
  ...shown
}: Extract<Explanation['targets'][number]['result'], { is: 'sent' }>['shown']) => ({
  address: shown.address,
  ...(typeof body === 'string' ? { body } : { body_base64: Buffer.from(body).toString('base64') }),
  fields: shown.fields,
})
