import { randomInt } from 'node:crypto'

const asked = process.env.SLUICE_SEED ?? '1'

/**
 * Of the messages that are generated for real brokers: the same in every run, so that a run is red by a change and not by chance.
 * `SLUICE_SEED=random`, or a number, brings others; the title of the test names it.
 */
export const seed = asked === 'random' ? randomInt(2 ** 31) : Number(asked)
