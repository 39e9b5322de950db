/** Does a text of the configuration hold a `${expression}` for each message, or is it the same for all? */
export const isTemplate = (written: string): boolean => written.includes('${')
