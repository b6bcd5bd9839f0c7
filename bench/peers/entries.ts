// Who takes part, in the order of the table. We take part on both stores; the aims are against the peers.
import type { Entry } from './contender.ts';
import { DBOS_VERSION, openDbos } from './dbos.ts';
import { GRAPHILE_VERSION, openGraphile } from './graphile.ts';
import { openPortkey, PORTKEY_VERSION } from './portkey.ts';
import { openRestate, RESTATE_VERSION } from './restate.ts';
import { openOurCalls } from './us-calls.ts';
import { openOurRuns } from './us-runs.ts';

const us = { aim: null, ours: true };
const peer = { ours: false };

export const ENTRIES: readonly Entry[] = [
  {
    ...us,
    name: 'sqlite',
    title: 'Conductor on SQLite',
    work: 'runs',

    open: (site) => openOurRuns(site, 'sqlite'),
  },
  {
    ...us,
    name: 'postgres',
    title: 'Conductor on Postgres',
    work: 'runs',

    open: (site) => openOurRuns(site, 'postgres'),
  },
  {
    ...peer,
    name: 'restate',
    title: `Restate ${RESTATE_VERSION}`,
    work: 'runs',
    aim: 3,

    open: openRestate,
  },
  {
    ...peer,
    name: 'dbos',
    title: `DBOS ${DBOS_VERSION} on Postgres`,
    work: 'runs',
    aim: 8,

    open: openDbos,
  },
  {
    ...peer,
    name: 'graphile',
    title: `graphile-worker ${GRAPHILE_VERSION}, three chained jobs`,
    work: 'runs',
    aim: null,

    open: openGraphile,
  },
  {
    ...us,
    name: 'sqlite',
    title: 'Conductor vault on SQLite',
    work: 'calls',

    open: (site) => openOurCalls(site, 'sqlite'),
  },
  {
    ...us,
    name: 'postgres',
    title: 'Conductor vault on Postgres',
    work: 'calls',

    open: (site) => openOurCalls(site, 'postgres'),
  },
  {
    ...peer,
    name: 'portkey',
    title: `Portkey gateway ${PORTKEY_VERSION}`,
    work: 'calls',
    aim: 10,

    open: openPortkey,
  },
];

export const PEER_NAMES = ENTRIES.filter((entry) => !entry.ours).map(({ name }) => name);

/** These peers, and us in the work that they do. `stores` leaves one of ours out. Throws on a name that nobody has. */
export function chosen(peers: readonly string[], stores: readonly string[]): Entry[] {
  for (const name of peers) {
    if (!PEER_NAMES.includes(name)) throw new Error(`--only knows ${PEER_NAMES.join(', ')}; not ${name}`);
  }
  const theirs = ENTRIES.filter((entry) => !entry.ours && peers.includes(entry.name));
  const works = new Set(theirs.map(({ work }) => work));
  return ENTRIES.filter((entry) =>
    entry.ours ? works.has(entry.work) && stores.includes(entry.name) : theirs.includes(entry),
  );
}
