// The DBOS application: a workflow of three steps that do nothing, called in process as DBOS is meant to be.
import { DBOS } from '@dbos-inc/dbos-sdk';
import { serve } from './front.mjs';

const nothing = async () => undefined;
const three = DBOS.registerWorkflow(
  async () => {
    await DBOS.runStep(nothing, { name: 'one' });
    await DBOS.runStep(nothing, { name: 'two' });
    await DBOS.runStep(nothing, { name: 'three' });
    return 3;
  },
  { name: 'three' },
);
// A pool of 10 is the default; more connections let Postgres put more commits into one flush.
DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: process.env.BENCH_DATABASE,
  systemDatabasePoolSize: 32,
  logLevel: 'error',
});
await DBOS.launch();
serve(three, () => ({}));
