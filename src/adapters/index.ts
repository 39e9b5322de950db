import type { Adapter, SourceOptions } from '../core/adapter.ts'
import { folder } from './folder/index.ts'
import { memory } from './memory/index.ts'

/** Every protocol that the bridge speaks. */
export const adapters: readonly Adapter<unknown, SourceOptions, unknown>[] = [memory, folder]
