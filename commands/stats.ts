import type { View } from '../src/cli/output/view.ts'
import { humanBytes, type Style } from '../src/cli/terminal.ts'
import { type DatabaseStats, getDatabaseStats } from '../src/core/checks/stats.ts'
import { withDatabase } from '../src/core/database/database.ts'
import type { Define } from './_define.ts'

const view: View<DatabaseStats> = {
  fields: [
    'active_sessions',
    'archived_sessions',
    'total_messages',
    'active_agents',
    'total_agents',
    'total_executions',
    'total_settings',
    'schema_version',
    'database_bytes',
    'wal_bytes',
    'free_bytes',
    'messages_per_model',
    'messages_per_day',
  ],
  text: (stats, style) => {
    const figure = (value: number | null) => (value === null ? 'table missing' : value.toLocaleString('en'))
    const lines = [
      ['sessions', `${figure(stats.active_sessions)} active, ${figure(stats.archived_sessions)} archived`],
      ['messages', figure(stats.total_messages)],
      ['agents', `${figure(stats.active_agents)} active of ${figure(stats.total_agents)}`],
      ['executions', figure(stats.total_executions)],
      ['settings', figure(stats.total_settings)],
      ['schema version', String(stats.schema_version)],
      [
        'size',
        `${humanBytes(stats.database_bytes)}, ${humanBytes(stats.free_bytes)} of it free; -wal ${humanBytes(stats.wal_bytes)}`,
      ],
    ].map(([label = '', value = '']) => `${style.bold(label.padEnd(16))}${value}`)
    const models = stats.messages_per_model.map(({ model_name, messages }) =>
      bar(model_name ?? '(none)', messages),
    )
    const days = stats.messages_per_day.map(({ day, messages }) => bar(day, messages))
    const charts = [
      chart('messages per model', models, style),
      chart('messages per day (UTC, the 30 days to the newest)', days, style),
    ]
    return `${[...lines, ...charts.flat()].join('\n')}\n`
  },
}

interface Bar {
  label: string
  count: number
}

const bar = (label: string, count: number): Bar => ({ label, count })

function chart(title: string, bars: Bar[], style: Style): string[] {
  if (bars.length === 0) return []
  const labels = Math.min(Math.max(...bars.map(({ label }) => label.length)), 32)
  const most = Math.max(...bars.map(({ count }) => count))
  const room = Math.max(Math.min(style.width - labels - 14, 50), 10)
  const lines = bars.map(({ label, count }) => {
    const length = Math.max(Math.round((count / most) * room), 1)
    return `  ${label.slice(0, labels).padEnd(labels)}  ${style.good('█'.repeat(length))} ${count.toLocaleString('en')}`
  })
  return ['', style.bold(title), ...lines]
}

const define: Define = (command, context) => {
  command.action(async () => {
    const ctx = context()
    const print = ctx.printer(view)
    await print(await withDatabase(ctx.database, getDatabaseStats))
  })
}

export default define
