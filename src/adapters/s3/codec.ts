import { createHash } from 'node:crypto'
import type { Endpoint, Limits, Prepared } from '../../core/adapter.ts'
import { MessageRefused } from '../../core/errors.ts'
import { escapedWhere } from '../../core/json/escape.ts'
import { quote, typedJson } from '../../core/json/typed-json.ts'
import type { Body, Headers, Message } from '../../core/message.ts'
import type { AwsConnectionOptions } from '../shared/aws/options.ts'
import type { StoredObject } from '../shared/aws/s3-calls.ts'
import { bodyAsBytes } from '../shared/carriage/body.ts'
import { propertiesJson, propertiesName } from '../shared/carriage/properties.ts'
import type { S3SinkOptions } from './options.ts'

export interface S3Prepared extends Prepared {
  readonly object: Omit<StoredObject, 'key'>
  /** Of the delivery, as a key may hold it; absent where nobody has named it. */
  readonly id?: string
}

/** Before the names of metadata on the wire. */
export const metadataPrefix = 'x-amz-meta-'
/** Bytes of all names and values, without that prefix (S3 user guide, "User-defined object metadata"). */
const maxMetadata = 2_048
const headersName = 'sluice_headers'

/**
 * The object is the body; headers and what else a message has are its metadata, as JSON in ASCII, since S3 makes names
 * lower-case and takes nothing else. A dead letter has all of its message in the body.
 */
export function prepare(
  _at: Endpoint<AwsConnectionOptions, S3SinkOptions>,
  limits: Limits,
  { body, headers, properties }: Message,
): S3Prepared {
  const { bytes, note } = bodyAsBytes(body)
  const { contentType, contentEncoding, deduplicationId } = properties
  const isWritten = (name: string) =>
    (name === 'contentType' && isToken(contentType)) ||
    (name === 'contentEncoding' && isToken(contentEncoding))
  const metadata = metadataOf(propertiesJson(properties, isWritten, note), headers)
  const size = bytes.length + sizeOf(metadata)
  if (size > limits.maxMessageSize)
    throw new MessageRefused(
      `the message has ${size} bytes, and an object of S3 at most ${limits.maxMessageSize}`,
    )
  return {
    object: {
      content: bytes,
      contentType: isToken(contentType) ? contentType : typeOf(body),
      ...(isToken(contentEncoding) && { contentEncoding }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    },
    size,
    ...(deduplicationId !== undefined && { id: idOf(deduplicationId) }),
  }
}

function metadataOf(properties: string | undefined, headers: Headers): Readonly<Record<string, string>> {
  const names = Object.keys(headers)
  const members = names.map(name => `${quote(name)}:${typedJson(headers[name]!)}`)
  const metadata = {
    ...(properties !== undefined && { [propertiesName]: ascii(properties) }),
    ...(names.length > 0 && { [headersName]: ascii(`{${members.join(',')}}`) }),
  }
  const size = sizeOf(metadata)
  if (size <= maxMetadata) return metadata
  throw new MessageRefused(
    `the headers and properties of the message have ${size} bytes, and the metadata of an object in S3 takes ${maxMetadata}`,
  )
}

const sizeOf = (metadata: Readonly<Record<string, string>>): number =>
  Object.entries(metadata).reduce((size, [name, value]) => size + name.length + value.length, 0)

/** In JSON, only texts have such characters. */
const ascii = (json: string): string => escapedWhere(json, /[^\x20-\x7e]/g)

/** Can it be the value of an HTTP header? */
const isToken = (text: string | undefined): text is string =>
  text !== undefined && /^[!-~]([ -~]{0,254}[!-~])?$/.test(text)

function typeOf({ kind }: Body): string {
  if (kind === 'text') return 'text/plain; charset=UTF-8'
  return kind === 'map' || kind === 'list' ? 'application/json' : 'application/octet-stream'
}

const idOf = (id: string): string =>
  /^[A-Za-z0-9_-]{1,128}$/.test(id) ? id : createHash('sha256').update(id).digest('hex')
