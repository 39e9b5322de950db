import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { startProxy, type TcpProxy } from './proxy.ts'
import { until } from './until.ts'

/** A client that keeps what it hears and how it ended. */
function open(port: number) {
  const socket = connect(port, '127.0.0.1')
  const client = { socket, heard: '', error: undefined as NodeJS.ErrnoException | undefined, closed: false }
  socket.on('data', data => {
    client.heard += data
  })
  socket.on('error', error => {
    client.error = error
  })
  socket.on('close', () => {
    client.closed = true
  })
  return client
}

describe('proxy', () => {
  let proxy: TcpProxy
  let received: string
  let serverSides: Socket[]
  const echo = createServer({ allowHalfOpen: true }, socket => {
    serverSides.push(socket)
    socket.on('error', () => {})
    socket.on('data', data => {
      received += data
      socket.write(data)
    })
    socket.on('end', () => socket.end('goodbye'))
  })

  beforeEach(async () => {
    received = ''
    serverSides = []
    echo.listen(0, '127.0.0.1')
    await once(echo, 'listening')
    proxy = await startProxy({ port: (echo.address() as AddressInfo).port })
  })
  afterEach(async () => {
    await proxy.close()
    for (const socket of serverSides) socket.destroy()
    echo.close()
    await once(echo, 'close')
  })

  test('passes both ways, and an end of data as such', async () => {
    const client = open(proxy.port)
    client.socket.write('hello ')
    await until(() => client.heard === 'hello ')
    assert.equal(proxy.connections, 1)
    client.socket.end()
    await until(() => client.closed)
    assert.equal(client.heard, 'hello goodbye')
    assert.equal(client.error, undefined)
    await until(() => proxy.connections === 0)
  })

  test('cut resets what is open and serves what comes next', async () => {
    const first = open(proxy.port)
    first.socket.write('a')
    await until(() => first.heard === 'a')
    proxy.cut()
    await until(() => first.closed && serverSides[0]?.destroyed)
    assert.equal(first.error?.code, 'ECONNRESET')
    assert.equal(proxy.connections, 0)

    const second = open(proxy.port)
    second.socket.write('b')
    await until(() => second.heard === 'b')
    assert.equal(proxy.accepted, 2)
  })

  test('stall holds both directions of old and new connections; resume passes what was held', async () => {
    const old = open(proxy.port)
    old.socket.write('1')
    await until(() => old.heard === '1')
    proxy.stall()
    old.socket.write('2')
    serverSides[0]?.write('from the server')
    const fresh = open(proxy.port)
    await once(fresh.socket, 'connect')
    fresh.socket.write('3')
    await until(() => proxy.connections === 2)
    // Something that does pass shows that what was stalled has had its time.
    const witness = await startProxy({ port: (echo.address() as AddressInfo).port })
    const other = open(witness.port)
    other.socket.write('w')
    await until(() => other.heard === 'w')
    assert.deepEqual([received, old.heard, fresh.heard], ['1w', '1', ''])
    assert.deepEqual([old.closed, fresh.closed], [false, false])

    proxy.resume()
    await until(() => old.heard.length === '1from the server2'.length && fresh.heard === '3')
    await witness.close()
  })

  test('refuse closes new connections at once and leaves the open one', async () => {
    const old = open(proxy.port)
    old.socket.write('1')
    await until(() => old.heard === '1')
    proxy.refuse()
    const fresh = open(proxy.port)
    await until(() => fresh.closed)
    old.socket.write('2')
    await until(() => old.heard === '12')
    assert.equal(serverSides.length, 1)

    proxy.resume()
    const later = open(proxy.port)
    later.socket.write('3')
    await until(() => later.heard === '3')
  })

  test('delay holds each piece back, both ways and in order, and ends with it', async () => {
    const client = open(proxy.port)
    client.socket.write('1')
    await until(() => client.heard === '1')
    proxy.delay(100)
    const began = performance.now()
    client.socket.write('2')
    await until(() => received === '12')
    proxy.delay(0)
    client.socket.write('3')
    await until(() => client.heard === '123')
    assert.ok(performance.now() - began >= 99, 'it came at once')
    const [quick, now] = [performance.now(), client.heard.length]
    client.socket.write('4')
    await until(() => client.heard.length > now)
    assert.ok(performance.now() - quick < 90, 'it was still late')
  })

  test('delay passes the end of data behind the data', async () => {
    proxy.delay(50)
    const client = open(proxy.port)
    client.socket.end('all')
    await until(() => client.closed)
    assert.equal(client.heard, 'allgoodbye')
  })

  test('cutAfter passes so many bytes to the client and resets', async () => {
    const client = open(proxy.port)
    client.socket.write('1')
    await until(() => client.heard === '1')
    proxy.cutAfter(3)
    client.socket.write('23456')
    await until(() => client.closed && serverSides[0]?.destroyed)
    assert.equal(client.heard, '1234')
    assert.equal(client.error?.code, 'ECONNRESET')
    const second = open(proxy.port)
    second.socket.write('whole again')
    await until(() => second.heard === 'whole again')
  })

  test('forsake ends what is open for the server only', async () => {
    const old = open(proxy.port)
    old.socket.write('1')
    await until(() => old.heard === '1')
    proxy.forsake()
    await until(() => serverSides[0]?.destroyed)
    old.socket.write('2')
    const fresh = open(proxy.port)
    fresh.socket.write('3')
    await until(() => fresh.heard === '3')
    assert.deepEqual([old.heard, old.closed, received], ['1', false, '13'])
  })

  test('a server that ends abruptly is seen as such by the client', async () => {
    const client = open(proxy.port)
    client.socket.write('1')
    await until(() => client.heard === '1')
    serverSides[0]?.resetAndDestroy()
    await until(() => client.closed)
    assert.equal(client.error?.code, 'ECONNRESET')
  })

  test('close stops listening', async () => {
    await proxy.close()
    const client = open(proxy.port)
    await until(() => client.closed)
    assert.equal(client.error?.code, 'ECONNREFUSED')
  })
})

describe('until', () => {
  test('gives what the condition gave', async () => {
    let looks = 0
    assert.equal(await until(() => (++looks === 3 ? 'found' : undefined)), 'found')
  })
  test('says what it waited for and why the last look failed', async () => {
    const cause = new Error('not yet')
    await assert.rejects(
      until(
        () => {
          throw cause
        },
        { timeout: 30, what: 'the moon' },
      ),
      (error: Error) => error.message === 'Waited 30 ms for the moon' && error.cause === cause,
    )
  })
})
