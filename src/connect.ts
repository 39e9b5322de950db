import type { BridgeConfig } from './config/bridge-config.ts'
import type { Link, LinkContext } from './core/adapter.ts'
import { sentence } from './core/errors.ts'

/** What came of opening one link of a configuration. */
export interface LinkCheck {
  readonly path: readonly (string | number)[]
  /** Absent where the link works. */
  readonly error?: string
}

/** So long (ms) one link may take; adapters have time limits of their own for each step. */
const patience = 60_000

/**
 * Opens every link of a configuration once, without taking or sending a message, and closes it again. Sources are
 * granted nothing, so no message leaves its broker.
 */
export async function checkLinks(config: BridgeConfig): Promise<readonly LinkCheck[]> {
  const checks = config.routes.flatMap(({ name, from, targets, deadLetters }) => [
    check(['routes', name, 'from'], context => from.kind.open(from.at, () => {}, context)),
    ...Array.from(targets, ([target, { kind, at }]) =>
      check(['routes', name, 'targets', target], async context => {
        const sink = await kind.open(at, context)
        await sink.check(context.signal)
        return sink
      }),
    ),
    ...deadLetters.flatMap((place, i) =>
      'end' in place
        ? [check(['routes', name, 'dead_letter', i], context => place.end.kind.open(place.end.at, context))]
        : [],
    ),
  ])
  return Promise.all(checks)
}

async function check(
  path: LinkCheck['path'],
  open: (context: LinkContext) => Promise<Link>,
): Promise<LinkCheck> {
  try {
    const link = await open({ signal: AbortSignal.timeout(patience), trial: true, report: () => {} })
    await link.close()
    return { path }
  } catch (error) {
    return { path, error: sentence(error) }
  }
}
