import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

export interface S3Request {
  readonly method: string
  /** Of the object, '' for a call of the bucket. */
  readonly key: string
}

/** Undefined lets the call through; 'cut' breaks the connection in place of an answer, 'never' gives none. */
export type S3Fault = (request: S3Request) => S3Answer | undefined | Promise<S3Answer | undefined>
export type S3Answer = 'cut' | 'never' | { readonly status: number; readonly code: string }

/** The S3 of an emulator behind a listener that can answer in its place, with what a test does there. */
export async function startS3(emulator: string) {
  let fault: S3Fault = () => undefined
  const seen: S3Request[] = []
  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const body = await buffer(req)
    const [, , ...rest] = new URL(req.url!, emulator).pathname.split('/')
    const call = { method: req.method!, key: decodeURIComponent(rest.join('/')) }
    seen.push(call)
    const answer = await fault(call)
    if (answer === 'cut') return req.socket.destroy()
    if (answer === 'never') return
    if (answer === undefined) return forward(emulator, req, body, res)
    res.writeHead(answer.status, { 'content-type': 'application/xml' })
    res.end(
      call.method === 'HEAD'
        ? undefined
        : `<Error><Code>${answer.code}</Code><Message>it says so</Message></Error>`,
    )
  }
  const server = createServer((req, res) => {
    serve(req, res).catch(() => req.socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const client = new S3Client({ endpoint: emulator, region: 'eu-west-1', credentials, forcePathStyle: true })
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Everything that was asked through the endpoint, in order. */
    seen,
    set fault(now: S3Fault | undefined) {
      fault = now ?? (() => undefined)
    },
    async put(Bucket: string, Key: string, Body: string | Uint8Array): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket, Key, Body }))
    },
    async get(Bucket: string, Key: string) {
      const { Body, ...about } = await client.send(new GetObjectCommand({ Bucket, Key }))
      return { ...about, bytes: Buffer.from(await Body!.transformToByteArray()) }
    },
    async keys(Bucket: string): Promise<string[]> {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }))
      return Contents.map(c => c.Key!)
    },
    async stop(): Promise<void> {
      client.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
}

function forward(to: string, req: IncomingMessage, body: Buffer, res: ServerResponse): void {
  const { hostname, port } = new URL(to)
  const { method, url: path, headers } = req
  const call = httpRequest({ hostname, port, method, path, headers }, answer => {
    res.writeHead(answer.statusCode!, answer.headers)
    answer.pipe(res)
  })
  call.on('error', () => req.socket.destroy())
  call.end(body)
}
