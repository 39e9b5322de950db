import { MessageRefused } from '../../../core/errors.ts'
import type { Properties } from '../../../core/message.ts'
import { bodyOfValue, type StructuredValue } from '../../../core/structured-body.ts'
import type { Value } from '../../../core/value.ts'
import { addressOf } from '../address.ts'
import { addressedTo, type Mapped } from '../step.ts'
import { type Added, emptyMap, put, readBody, taken } from './body-paths.ts'
import { parentOf } from './move.ts'
import { formatPlace, lastName, type Place } from './place.ts'
import { isKept, propertyOf } from './properties.ts'

/** A message in which values are on their way from one place to another: all are taken before the first is put. */
export class Moving {
  readonly #message: Mapped
  readonly #headers = new Map<string, { readonly value: Value; readonly from: string | undefined }>()
  readonly #properties: Partial<Record<keyof Properties, unknown>>
  readonly #puts: { readonly from: string; readonly to: Place; readonly value: Value }[] = []
  /** The properties that have a new value: what the route wrote gives way once. */
  readonly #written = new Set<keyof Properties>()
  /** What goes into each map of the body, by the names on the way there, and the first place in it. */
  readonly #added = new Map<string, readonly [Place, Added[]]>()
  #body: Value | undefined
  #address: string | undefined

  constructor(message: Mapped) {
    this.#message = message
    this.#properties = { ...message.properties }
  }

  /** A header that stays, or one with its new name. */
  header(name: string, value: Value, from?: string): void {
    if (name === '') throw new MessageRefused(`${from} comes to an empty name`)
    const there = this.#headers.get(name)
    if (there) throw taken(from ?? there.from ?? '', `headers.${name}`)
    this.#headers.set(name, { value, from })
  }

  /** The body in which `place` is looked for, with what was done to it; undefined where it is empty. */
  body(place: string): Value | undefined {
    this.#body ??= readBody(this.#message.body, place)
    return this.#body
  }

  withBody(body: Value): void {
    this.#body = body
  }

  withoutProperty(name: keyof Properties): void {
    delete this.#properties[name]
  }

  put(from: string, to: Place, value: Value): void {
    this.#puts.push({ from, to, value })
  }

  /** The message with all at its new place. Throws MessageRefused where something is there already. */
  done(): Mapped {
    for (const { from, to, value } of this.#puts) this.#set(from, to, value)
    for (const [to, added] of this.#added.values()) {
      this.#body = put(this.body(formatPlace(to)) ?? emptyMap, parentOf(to), added)
    }
    const { body, ...message } =
      this.#address === undefined ? this.#message : addressedTo(this.#message, this.#address)
    return {
      ...message,
      headers: Object.fromEntries(Array.from(this.#headers, ([name, { value }]) => [name, value])),
      properties: this.#properties as Properties,
      body: this.#body === undefined ? body : bodyOfValue(this.#body as StructuredValue),
    }
  }

  #set(from: string, to: Place, value: Value): void {
    switch (to.at) {
      case 'headers':
        this.header(to.name, value, from)
        return
      case 'properties': {
        const { name, of } = propertyOf(to.name)
        const isOwn = isKept(to.name) && !this.#written.has(name)
        if (this.#properties[name] !== undefined && !isOwn) throw taken(from, formatPlace(to))
        this.#written.add(name)
        this.#properties[name] = of(value)
        return
      }
      case 'address':
        if (this.#address !== undefined) throw taken(from, 'address')
        this.#address = addressOf(value)
        return
      case 'body':
        this.#putInBody(from, to, value)
    }
  }

  #putInBody(from: string, to: Place, value: Value): void {
    const map = parentOf(to).join('.')
    const [first, added]: readonly [Place, Added[]] = this.#added.get(map) ?? [to, []]
    this.#added.set(map, [first, added])
    added.push({ name: lastName(to), value, taken: () => taken(from, formatPlace(to)) })
  }
}
