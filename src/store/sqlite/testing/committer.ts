// A process for tests to end: commits a run with its task, says so on its output, and goes on until it is killed.
// With `leave` it commits once and returns without closing the store; with `close` it closes it first.
import { writeSync } from 'node:fs';
import { commit, sampleRun, sampleTask } from '../../conformance-samples.ts';
import { createSqliteStore } from '../store.ts';

const [path = '', ending = 'never'] = process.argv.slice(2);
const store = await createSqliteStore({ path });
do {
  const rowId = store.newRowId('run');
  const run = sampleRun({ rowId, id: `run-${rowId}` });
  await commit(store, { newRuns: [run], newTasks: [sampleTask(run, { rowId, id: `task-${rowId}` })] });
  writeSync(1, `${rowId}\n`);
} while (ending === 'never');
if (ending === 'close') await store.close();
