import { clearScreenDown, cursorTo, moveCursor } from 'node:readline'
import type { RouteEvent } from '../src/core/events.ts'

const columns = ['received', 'sent', 'settled', 'buffered', 'dead-lettered'] as const
type Row = Record<(typeof columns)[number], number>

const counted: { readonly [T in RouteEvent['type']]?: (typeof columns)[number] } = {
  received: 'received',
  sent: 'sent',
  settled: 'settled',
  dead_lettered: 'dead-lettered',
}

/** Counts events by route and shows them as a table that stays in its place on a terminal. */
export function createTable(routes: readonly string[], buffered: (route: string) => number) {
  const rows = new Map(
    routes.map(route => [
      route,
      { received: 0, sent: 0, settled: 0, buffered: 0, 'dead-lettered': 0 } as Row,
    ]),
  )
  let drawn = 0
  const text = () => {
    const lines = [['route', ...columns].map(cell)]
    for (const [route, row] of rows) lines.push([route, ...columns.map(c => String(row[c]))].map(cell))
    return lines.map(cells => cells.join('  '))
  }
  return {
    count(event: RouteEvent) {
      const column = counted[event.type]
      const row = rows.get(event.route)
      if (column && row) row[column]++
    },
    total: (column: keyof Row) => [...rows.values()].reduce((sum, row) => sum + row[column], 0),
    draw(below: string) {
      for (const [route, row] of rows) row.buffered = buffered(route)
      if (drawn > 0 && process.stdout.isTTY) {
        moveCursor(process.stdout, 0, -drawn)
        cursorTo(process.stdout, 0)
        clearScreenDown(process.stdout)
      }
      const lines = [...text(), '', below, '']
      process.stdout.write(lines.join('\n'))
      drawn = lines.length - 1
    },
  }
}

const cell = (content: string, column: number): string =>
  column === 0 ? content.padEnd(12) : content.padStart(13)
