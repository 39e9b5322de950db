import { SinkUnavailable } from '../../../core/errors.ts'
import { untilAborted } from '../within.ts'
import type { AwsConnection } from './connection.ts'
import { leaseAws } from './connection.ts'
import type { AwsConnectionOptions } from './options.ts'
import { type Doing, isAnswered, judge, openError } from './verdict.ts'

/** Runs `open` with the connection, which is given back when it throws. */
export async function withAws<T>(
  options: AwsConnectionOptions,
  signal: AbortSignal,
  open: (connection: AwsConnection, release: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const { connection, release } = await leaseAws(options, signal)
  try {
    return await untilAborted(open(connection, release), signal)
  } catch (error) {
    await release()
    throw error
  }
}

/** One call of opening: its error is a sentence about what was being done. */
export async function asked<T>(doing: Doing, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw openError(error, doing)
  }
}

/** One call of `check`: throws as `send` does. */
export async function checked(doing: Doing, call: Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await untilAborted(call, signal)
  } catch (error) {
    if (signal.aborted) throw signal.reason
    const meant = judge(doing).call(error)
    // There is no message that could be at fault.
    throw meant instanceof SinkUnavailable
      ? meant
      : new SinkUnavailable(openError(error, doing).message, { cause: error })
  }
}

/** Is the service there and does it take the credentials? What it says of what it was asked for does not matter. */
export async function answered(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!isAnswered(error)) throw error
  }
}

export const whereOf = ({ endpoint }: Pick<AwsConnectionOptions, 'endpoint'>, region: string): string =>
  endpoint === undefined ? `region ${region}` : `region ${region} at ${endpoint}`
