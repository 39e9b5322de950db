// ports.mjs FOLDER KEPT NAME...: prints NAME=PORT for each name. KEPT are such lines from before: they are taken
// again when all of them are free. New ports lie below the range from which clients get theirs, so that nobody
// else is given them while a broker is down, and apart from those that other brokers of FOLDER keep.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

const [folder, kept, ...names] = process.argv.slice(2)
const [lowest, highest] = [20_000, 32_000]

const isFree = port =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

const parse = text => new Map(text.split('\n').flatMap(line => (line ? [line.split('=')] : [])))

const keptByOthers = new Set(
  readdirSync(folder)
    .map(name => join(folder, name, 'ports'))
    .filter(file => existsSync(file))
    .flatMap(file => [...parse(readFileSync(file, 'utf8')).values()]),
)

const before = parse(kept)
const complete = names.every(name => before.has(name))
const reuse =
  complete && (await Promise.all(names.map(name => isFree(Number(before.get(name)))))).every(Boolean)

const chosen = new Set()
for (const name of names) {
  let port = reuse ? Number(before.get(name)) : 0
  for (let tries = 0; port === 0; tries++) {
    if (tries > 1_000) {
      console.error(`No free port was found between ${lowest} and ${highest}.`)
      process.exit(1)
    }
    const candidate = lowest + Math.floor(Math.random() * (highest - lowest))
    if (!chosen.has(candidate) && !keptByOthers.has(String(candidate)) && (await isFree(candidate)))
      port = candidate
  }
  chosen.add(port)
  console.log(`${name}=${port}`)
}
