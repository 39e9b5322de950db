/** How the broker answered a transfer. `modified` and `received` carry nothing that matters here. */
export interface Outcome {
  readonly name: 'accepted' | 'rejected' | 'released' | 'modified' | 'unknown'
  /** Of a rejection. */
  readonly condition?: string
  readonly description?: string
}

/** A described value as rhea reads it. */
export interface Described {
  /** Absent from a null. */
  readonly descriptor?: { readonly value: number | string }
  readonly value: readonly ({ readonly value: unknown } | undefined)[]
}

const names: Readonly<Record<string, Outcome['name']>> = {
  36: 'accepted',
  37: 'rejected',
  38: 'released',
  39: 'modified',
  'amqp:accepted:list': 'accepted',
  'amqp:rejected:list': 'rejected',
  'amqp:released:list': 'released',
  'amqp:modified:list': 'modified',
}

const accepted: Outcome = { name: 'accepted' }

/** Undefined while the broker has not decided. */
export function outcomeOf(state: Described | null | undefined, settled: boolean): Outcome | undefined {
  const name = state?.descriptor ? names[state.descriptor.value] : undefined
  if (name === 'accepted') return accepted
  if (name === undefined) return settled ? { name: 'unknown' } : undefined
  const error = state!.value[0]?.value
  if (name !== 'rejected' || !Array.isArray(error)) return { name }
  const [condition, description] = (error as Described['value']).map(field => field?.value)
  return {
    name,
    ...(typeof condition === 'string' && { condition }),
    ...(typeof description === 'string' && { description }),
  }
}
