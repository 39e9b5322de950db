import type { Limits } from '../../../core/adapter.ts'
import { MessageRefused } from '../../../core/errors.ts'
import type { Headers, Message, Properties } from '../../../core/message.ts'
import { bodyAsText } from '../carriage/body.ts'
import { type Notes, propertiesJson, propertiesName } from '../carriage/properties.ts'
import { attributeOf, type Service, sizeOf } from './attributes.ts'
import type { Attributes } from './calls.ts'
import { type Claim, checkUnreserved, pointerTo, sizeAttribute, type ToClaim } from './claim-check.ts'
import { deduplicationOf, groupOf } from './fifo.ts'
import { type AttributeOptions, fitAttributes, type ToAttribute } from './fit-attributes.ts'
import { isPlain } from './text.ts'

/** What the entries of both services are made of, checked against every rule that they have in common. */
export interface Encoded {
  readonly text: string
  readonly attributes: { readonly MessageAttributes?: Attributes }
  /** Empty for a standard queue or topic: a group there would ask for fair queues. */
  readonly fifo: { readonly MessageGroupId?: string; readonly MessageDeduplicationId?: string }
  /** Bytes as the service counts them. */
  readonly size: number
  /** Headers that are no attributes of their own (packed.ts). */
  readonly packed: number
  /** The body, when it is too large for the message: then the text is a pointer to it. */
  readonly claim?: Claim
}

/** A message as a format writes it. */
export interface Written {
  readonly text: string
  /** What restores the body and the headers. */
  readonly notes: Notes
  readonly headers: Headers
  readonly attribute: ToAttribute
  /** Attributes that are no headers of the message. */
  readonly own?: Attributes
  /** Is this property among those? Then it needs no place in `sluice_properties`. */
  readonly hasPlace?: (name: keyof Properties) => boolean
  /** The body is in S3 already. */
  readonly isPointer?: boolean
}

export interface Target {
  readonly service: Service
  readonly isFifo: boolean
  readonly limits: Limits
  readonly attributes: AttributeOptions
  readonly claim?: ToClaim | undefined
}

/** The format whose readers know nothing of us: text as it is, and attributes with labelled types. */
export function native({ body, headers }: Message, service: Service): Written {
  const { text, note } = bodyAsText(body, isBody)
  return { text, notes: note, headers, attribute: value => attributeOf(value, service) }
}

export function encode(message: Message, written: Written, target: Target): Encoded {
  const { service, isFifo, limits } = target
  const { text, notes, headers } = written
  const group = isFifo ? groupOf(message) : undefined
  const hasPlace = (name: keyof Properties) =>
    (name === 'groupId' && message.properties.groupId === group) || written.hasPlace?.(name) === true
  const properties = propertiesJson(message.properties, hasPlace, notes, !service.aboveBmp)
  const own = properties === undefined ? (written.own ?? {}) : withProperties(written.own, properties)
  const { attributes, packed } = fitAttributes(headers, own, written.attribute, target.attributes, service)
  const around = sizeOf(attributes)
  const size = Buffer.byteLength(text) + around
  if (target.claim) {
    checkUnreserved(headers)
    if (size > Math.min(target.claim.threshold, limits.maxMessageSize)) {
      return encodePointer(message, written, target, target.claim)
    }
  }
  if (size > limits.maxMessageSize) {
    throw new MessageRefused(
      `the message has ${size} bytes with its attributes, and ${service.name} takes ${limits.maxMessageSize} there` +
        (written.isPointer ? ', although its body is in S3' : ': claim_check stores large bodies in S3'),
    )
  }
  return {
    text,
    attributes: around === 0 ? {} : { MessageAttributes: attributes },
    fifo:
      group === undefined ? {} : { MessageGroupId: group, MessageDeduplicationId: deduplicationOf(message) },
    size,
    packed,
  }
}

/** The size says that there is an object, and takes the place of one attribute. */
function encodePointer(message: Message, written: Written, target: Target, { claimOf }: ToClaim): Encoded {
  const claim = claimOf(written.text)
  const size = sizeAttribute(target.service.name, Buffer.byteLength(written.text))
  const pointer = { ...written, text: pointerTo(claim), own: { ...written.own, ...size }, isPointer: true }
  return { ...encode(message, pointer, { ...target, claim: undefined }), claim }
}

function withProperties(own: Attributes | undefined, properties: string): Attributes {
  const attribute = { DataType: 'String', StringValue: properties }
  return own === undefined ? { [propertiesName]: attribute } : { ...own, [propertiesName]: attribute }
}

/** A body may not be empty, and has the characters that an attribute may have. */
export const isBody = (text: string): boolean => text !== '' && isPlain(text)
