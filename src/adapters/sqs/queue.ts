/** A queue as people write it. */
export interface Queue {
  readonly name: string
  /** Where the region is known from how it was written. */
  readonly region?: string
  /** The account that owns it, from its ARN or URL. */
  readonly account?: string
  readonly url?: string
}

const name = /^[A-Za-z0-9_-]+(\.fifo)?$/
const arn = /^arn:[a-z0-9-]+:sqs:(?<region>[a-z0-9-]+):(?<account>\d{12}):(?<name>.+)$/
/** Hosts of the service, the older form `eu-west-1.queue.amazonaws.com` and VPC endpoints among them. */
const host =
  /(?:^|\.)(?:sqs(?:-fips)?\.(?<region>[a-z]{2}(?:-[a-z]+)+-\d)\.|(?<older>[a-z]{2}(?:-[a-z]+)+-\d)\.queue\.)/

/** Takes a name, URL or ARN apart; undefined when it is none of them. */
export function parseQueue(written: string): Queue | undefined {
  const { groups } = arn.exec(written) ?? {}
  if (groups) return isName(groups.name!) ? { ...(groups as unknown as Queue) } : undefined
  if (!/^https?:\/\//.test(written)) return isName(written) ? { name: written } : undefined
  const url = URL.parse(written)
  const last = url?.pathname.split('/').at(-1) ?? ''
  if (!url || !isName(last)) return undefined
  const found = host.exec(url.hostname)?.groups
  const region = found?.region ?? found?.older
  const account = /\/(\d{12})\/[^/]+$/.exec(url.pathname)?.[1]
  return {
    name: last,
    url: written,
    ...(region !== undefined && { region }),
    ...(account !== undefined && { account }),
  }
}

/** Where the queue is, as far as that is known from how it was written. */
export function urlOf({ name, region, account, url }: Queue): string | undefined {
  if (url !== undefined || region === undefined || account === undefined) return url
  return `https://sqs.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/${account}/${name}`
}

const isName = (text: string): boolean => name.test(text) && text.length <= 80
