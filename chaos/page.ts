import type { Results } from './results.ts'
export function writePage(_: Results): void {}
