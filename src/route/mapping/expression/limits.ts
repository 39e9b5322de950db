/** The most items of a list that an expression makes. */
export const maxItems = 100_000

/** The most characters of a text that an expression makes or works on. */
export const maxText = 16 * 1024 * 1024
