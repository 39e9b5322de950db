import type { Value } from '../../../core/value.ts'

export const largestLong = 2n ** 63n - 1n

/**
 * The number that JMS has for one of a type that it does not have: the next wider one, as ActiveMQ hands it on from AMQP.
 * Undefined where there is none.
 */
export function widened(value: Value): Value | undefined {
  switch (value.type) {
    case 'uint8':
      return { type: 'int16', value: value.value }
    case 'uint16':
      return { type: 'int32', value: value.value }
    case 'uint32':
    case 'timestamp':
      return Number.isSafeInteger(value.value) ? { type: 'int64', value: BigInt(value.value) } : undefined
    case 'uint64':
      return value.value <= largestLong ? { type: 'int64', value: value.value } : undefined
    default:
      return undefined
  }
}
