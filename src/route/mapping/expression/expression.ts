import jsonata from 'jsonata'
import { MessageRefused } from '../../../core/errors.ts'
import type { Message, Properties } from '../../../core/message.ts'
import { text, type Value } from '../../../core/value.ts'
import { fromPlain, type Plain, toPlain } from './plain.ts'

/** An expression over one message. Undefined means that something it reads is not there. */
export type Expression = (message: Message) => Value | undefined | Promise<Value | undefined>

const name = '[A-Za-z_][A-Za-z0-9_]*'
const path = new RegExp(`^(?:(address)|headers\\.(${name})|headers\\.\`([^\`]+)\`|properties\\.(${name}))$`)

/**
 * Compiles an expression over `{ address, body, properties, headers }`. A plain path to the address, a header or a
 * property is read as it is and keeps its type; all else is JSONata, whose values are those of JSON. Throws on an
 * expression that is not well-formed.
 */
export function compileExpression(source: string): Expression {
  const [whole, address, header, quotedHeader, property] = path.exec(source.trim()) ?? []
  if (whole === undefined) return compileJsonata(source)
  if (address !== undefined) return message => text(message.address)
  if (property !== undefined) return message => propertyValue(message.properties, property)
  const wanted = header ?? quotedHeader!
  return message => (Object.hasOwn(message.headers, wanted) ? message.headers[wanted] : undefined)
}

function compileJsonata(source: string): Expression {
  const expression = jsonata(source)
  return async message => {
    try {
      return fromPlain(await expression.evaluate(readable(message)))
    } catch (cause) {
      // JSONata throws plain objects.
      const said = (cause as { message?: unknown }).message
      throw new MessageRefused(`evaluating "${source}": ${typeof said === 'string' ? said : 'failed'}`, {
        cause,
      })
    }
  }
}

/** Properties are written in the snake_case of the configuration. */
const camelCase = (key: string): string => key.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())

function propertyValue(properties: Properties, key: string): Value | undefined {
  const value = properties[camelCase(key) as keyof Properties]
  return typeof value === 'object' ? value : fromPlain(value)
}

function readable(message: Message): Plain {
  const properties = Object.entries(message.properties).map(([key, value]) => [
    key.replace(/[A-Z]/g, c => `_${c.toLowerCase()}`),
    typeof value === 'object' ? toPlain(value) : value,
  ])
  return {
    address: message.address,
    body: readableBody(message),
    properties: Object.fromEntries(properties),
    headers: Object.fromEntries(Object.entries(message.headers).map(([k, v]) => [k, toPlain(v)])),
  }
}

/** JSON bodies are seen as what they hold, other text as text. */
function readableBody({ body }: Message): Plain {
  switch (body.kind) {
    case 'none':
      return null
    case 'map':
      return toPlain({ type: 'map', value: body.entries })
    case 'list':
      return toPlain({ type: 'list', value: body.items })
    default: {
      const written = body.kind === 'text' ? body.text : Buffer.from(body.bytes).toString()
      try {
        return JSON.parse(written)
      } catch {
        return written
      }
    }
  }
}
