import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parse } from '../config/parse.ts'
import { ConfigInvalid, type Problem } from '../config/problem.ts'
import { SourceText } from '../config/source-text.ts'
import { messageSchema } from '../config/tests-schema.ts'
import { sentence } from '../core/errors.ts'
import { readRecord } from '../route/dead-letter/record.ts'
import { type Received, readMessage } from './read-message.ts'

/**
 * A message from a file: as people write it in YAML, or a dead-letter record, whose clock says when it was received first. Throws
 * ConfigInvalid with every mistake and its place.
 */
export function loadMessage(file: string, address: string): Received {
  const written = read(file)
  if (/^\s*\{\s*"form"\s*:\s*"sluice\.dead-letter\//.test(written)) return ofRecord(file, written)
  const source = new SourceText(file, written)
  if (source.problems.length > 0) throw new ConfigInvalid(source.problems)
  const problems: Problem[] = []
  const parsed = parse(messageSchema, source.data ?? {}, [], problems)
  const received = parsed && readMessage(parsed, { address, folder: dirname(file), path: [] }, problems)
  if (problems.length > 0 || !received) throw new ConfigInvalid(problems.map(p => source.place(p)))
  return received
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw wrong(file, `the message cannot be read: ${sentence(error)}`)
  }
}

function ofRecord(file: string, json: string): Received {
  try {
    const { message, receivedAt } = readRecord(json)
    return { message, at: receivedAt }
  } catch (error) {
    throw wrong(file, `the dead letter cannot be read: ${sentence(error)}`)
  }
}

const wrong = (file: string, text: string) =>
  new ConfigInvalid([{ file, line: 1, column: 1, path: [], text }])
