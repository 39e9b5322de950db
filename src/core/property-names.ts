/** Properties of messages have the names of the configuration in files and expressions: `group_id` for `groupId`. */

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`)

export const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())
