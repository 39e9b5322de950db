import { escapedWhere } from '../core/json/escape.ts'
import { hangingValue, visible } from './layout.ts'
import type { TestDone } from './run-tests.ts'

export const formats = ['readable', 'tap', 'junit'] as const

/** The results of tests as text: for people, as TAP 14, or as JUnit's XML. */
export const reports: Readonly<Record<(typeof formats)[number], (done: readonly TestDone[]) => string>> = {
  readable,
  tap,
  junit,
}

type Found = TestDone['differences'][number]

function readable(done: readonly TestDone[]): string {
  const failed = done.filter(isFailed)
  return [
    ...done.flatMap(test =>
      isFailed(test)
        ? [
            `FAILS  ${visible(test.name)} (route ${test.route}, ${test.where})`,
            ...test.differences.flatMap(lines),
          ]
        : [`passes ${visible(test.name)}`],
    ),
    ...(failed.length > 0 ? ['', 'sluice explain shows what each rule did to a message'] : []),
    '',
    `${count(done.length, 'test')}, ${failed.length === 0 ? 'all pass' : `${failed.length} ${failed.length === 1 ? 'fails' : 'fail'}`}`,
  ].join('\n')
}

const lines = ({ target, what, expected, found }: Found): readonly string[] => [
  `  target ${target}, ${visible(what)}`,
  hangingValue('    expected', 13, visible(expected)),
  hangingValue('    found', 13, visible(found)),
]

function tap(done: readonly TestDone[]): string {
  const results = done.flatMap((test, i) => [
    `${isFailed(test) ? 'not ok' : 'ok'} ${i + 1} - ${visible(test.name).replace(/[\\#]/g, '\\$&')}`,
    ...(isFailed(test)
      ? [
          '  ---',
          `  at: ${JSON.stringify(test.where)}`,
          '  differences:',
          ...test.differences.map(entry),
          '  ...',
        ]
      : []),
  ])
  return ['TAP version 14', `1..${done.length}`, ...results].join('\n')
}

/** JSON is YAML. */
const entry = ({ target, what, expected, found }: Found): string =>
  `    - ${JSON.stringify({ target, what, expected, found })}`

function junit(done: readonly TestDone[]): string {
  const failures = done.filter(isFailed).length
  const seconds = (milliseconds: number) => (milliseconds / 1000).toFixed(3)
  const total = done.reduce((sum, test) => sum + test.milliseconds, 0)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${done.length}" failures="${failures}" time="${seconds(total)}">`,
    `<testsuite name="sluice" tests="${done.length}" failures="${failures}" time="${seconds(total)}">`,
    ...done.map(test => {
      const head = `<testcase classname="${xml(test.route)}" name="${xml(test.name)}" time="${seconds(test.milliseconds)}"`
      if (!isFailed(test)) return `${head}/>`
      const text = [test.where, ...test.differences.flatMap(lines)].join('\n')
      const [first] = test.differences
      return `${head}><failure message="${xml(`target ${first!.target}, ${first!.what}`)}">${xml(text)}</failure></testcase>`
    }),
    '</testsuite>',
    '</testsuites>',
  ].join('\n')
}

const isFailed = ({ differences }: TestDone): boolean => differences.length > 0

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Line breaks stay, other control characters and the noncharacters of XML are made visible: XML has none of them. */
const xml = (text: string): string =>
  text
    .split('\n')
    .map(line => escapedWhere(visible(line), /[\ufffe\uffff]/g).replace(/[&<>"]/g, c => entities[c]!))
    .join('\n')
