// The `data` operation: SQL on a database of the project. Config `sql` (or `query`; passed as written, never built from
// data), `params` (or input `params`), `operation` query|execute, `binding`, `database` (or `backend`) sqlite|postgres,
// `readOnly`, `rowsMax`, `timeout` (ms). Output: query `{rows, count, truncated}`, execute `{changes, rows}`.
// A query runs read-only unless `readOnly: false`. Throws AgentError with the database's own words.
import { z } from 'zod';
import type { JsonObject } from '../../model/json.ts';
import { jsonValue, loose } from '../../model/schema.ts';
import { AgentError, type Operation } from '../operation.ts';
import { readConfig, readInput, text, timeoutMs } from '../read-values.ts';

const ROWS_MAX = 1_000;
const parameters = () => loose(z.array(jsonValue()).max(500));
const Dialect = z.enum(['sqlite', 'postgres']);

const Config = z.strictObject({
  database: loose(Dialect),
  backend: loose(Dialect),
  binding: text(),
  operation: loose(z.enum(['query', 'execute'])),
  sql: text(),
  query: text(),
  params: parameters(),
  readOnly: loose(z.boolean()),
  rowsMax: loose(z.number().int().min(1).max(100_000)),
  timeout: timeoutMs(),
});
const Input = z.object({ params: parameters() });

export const data: Operation = {
  name: 'data',
  config: Config,
  literal: ['sql', 'query'],
  run: async (context): Promise<JsonObject> => {
    const config = readConfig(Config, context.config);
    const { operation = 'query', binding = 'DB', rowsMax = ROWS_MAX, timeout = 10_000 } = config;
    const sql = config.sql ?? config.query;
    if (sql === undefined) throw new AgentError('config.sql is missing.', false);
    const readOnly = config.readOnly ?? operation === 'query';
    if (readOnly && operation === 'execute') {
      throw new AgentError('config: "operation: execute" writes, which "readOnly: true" forbids.', false);
    }
    const database = context.services.databases.open(binding);
    checkDialect(config.database ?? config.backend, database.dialect, binding);
    const params = config.params ?? readInput(Input, context.input).params ?? [];
    // One more than wanted, to know whether there are more.
    const options = { readOnly, rowsMax: rowsMax + 1, timeoutMs: timeout, signal: context.signal };
    const { rows, changes } = await database.query(sql, params, options);
    const shown = rows.slice(0, rowsMax);
    if (operation === 'execute') return { changes, rows: shown };
    return { rows: shown, count: shown.length, truncated: rows.length > rowsMax };
  },
};

function checkDialect(wanted: string | undefined, present: string, binding: string): void {
  if (wanted === undefined || wanted === present) return;
  throw new AgentError(`config.database is ${wanted}, but the binding ${binding} is a ${present} database.`, false);
}
