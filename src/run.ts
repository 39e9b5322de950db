import { createLog, eventLog } from './admin/log.ts'
import { createMetrics } from './admin/metrics.ts'
import { startAdminServer } from './admin/server.ts'
import { Bridge } from './bridge.ts'
import type { Loaded } from './config/load.ts'
import { formatProblem } from './config/problem.ts'
import { sentence } from './core/errors.ts'

/**
 * Runs a bridge until SIGTERM or SIGINT, then stops it: sources first, what is in flight is finished by the deadline,
 * the rest given back. A second signal ends the waiting. Resolves with the exit code.
 */
export async function run({ config, warnings }: Loaded): Promise<number> {
  const log = createLog(config.logLevel)
  for (const warning of warnings) log.warn(formatProblem(warning))
  const stopping = new AbortController()
  const toLog = eventLog(log)
  let bridge: Bridge
  const protocols = new Map(config.routes.map(route => [route.name, route.from.protocol]))
  const metrics = createMetrics(protocols, () => bridge.status())
  bridge = new Bridge(config, event => {
    metrics.count(event)
    toLog(event)
  })
  try {
    await bridge.open()
  } catch (error) {
    log.fatal(sentence(error))
    return 1
  }
  const signals = watchSignals()
  let admin: Awaited<ReturnType<typeof startAdminServer>>
  try {
    admin = await startAdminServer(config.admin, metrics.registry, bridge, stopping.signal)
  } catch (error) {
    log.fatal(sentence(error))
    return 1
  }
  bridge.start()
  log.info(
    { routes: config.routes.length, metrics: `http://${config.admin.host}:${admin.port}/metrics` },
    'running',
  )
  await signals.first
  stopping.abort()
  log.info(
    { deadline: `${config.stopTimeout / 1000}s` },
    'stopping: finishing what is in flight; signal again to stop now',
  )
  const deadline = AbortSignal.any([AbortSignal.timeout(config.stopTimeout), signals.second])
  await bridge.stop(deadline)
  await admin.close()
  log.info(
    deadline.aborted
      ? 'stopped at the deadline; what was unfinished is with its broker again'
      : 'stopped; everything was finished',
  )
  signals.unwatch()
  return 0
}

/** The first signal is a promise, the second an abort. */
function watchSignals() {
  const first = Promise.withResolvers<void>()
  const second = new AbortController()
  let count = 0
  const onSignal = () => {
    if (++count === 1) first.resolve()
    else second.abort(new Error('second signal'))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  const unwatch = () => process.off('SIGTERM', onSignal).off('SIGINT', onSignal)
  return { first: first.promise, second: second.signal, unwatch }
}
