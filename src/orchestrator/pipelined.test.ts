// Rounds of pipelined operations: decided while earlier ones are being committed, answered in their order, void together.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppError } from '../model/error.ts';
import type { SentCommit, Store } from '../store/port.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import { Loop } from './loop.ts';
import { type BrittleStore, brittle } from './testing/brittle-store.ts';

let folder: string;
let store: BrittleStore;
let loop: Loop;
/** How many commits have been sent, and what lets the answers of the first so many come through. */
let sent: number;
let open: (commits: number) => void;
let faults: unknown[];
let losses: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'conductor-pipelined-'));
  store = brittle(await createSqliteStore({ path: join(folder, 'test.db') }));
  sent = 0;
  faults = [];
  losses = 0;
  loop = new Loop(gated(store), { now: () => 1000 }, (error) => faults.push(error));
  loop.onLost(() => {
    losses += 1;
  });
});

afterEach(async () => {
  open(Number.POSITIVE_INFINITY);
  await loop.drained();
  await store.close();
  await rm(folder, { recursive: true });
});

/** The store, with the answers of its commits held back. */
function gated(whole: BrittleStore): Store {
  const gates: (() => void)[] = [];
  let opened = 0;
  open = (commits) => {
    opened = commits;
    for (const pass of gates.slice(0, commits)) pass();
  };
  const originals = new Map<SentCommit, SentCommit>();
  const commitBehind: Store['commitBehind'] = (batch, earlier) => {
    const commit = whole.commitBehind?.(batch, earlier && originals.get(earlier));
    if (!commit) throw new Error('the embedded store has it');
    commit.done.catch(() => undefined);
    const gate = new Promise<void>((resolve) => gates.push(resolve));
    sent += 1;
    open(opened);
    const held = { id: commit.id, done: gate.then(() => commit.done) };
    originals.set(held, commit);
    return held;
  };
  return { ...whole, commitBehind };
}

const decided: string[] = [];
const answered: string[] = [];

beforeEach(() => {
  decided.length = 0;
  answered.length = 0;
});

/** An operation that writes a line, or only decides. */
function pipelined(name: string, writes = true): Promise<void> {
  return operation(name, { pipelined: true, writes });
}

async function operation(name: string, { pipelined, writes }: { pipelined: boolean; writes: boolean }): Promise<void> {
  await loop.submit({
    pipelined,
    decide: (batch, now) => {
      decided.push(name);
      if (writes) batch.logs.push({ taskId: 'task', log: name, createdMs: now });
    },
  });
  answered.push(name);
}

async function turns(until: () => boolean): Promise<void> {
  while (!until()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Enough for whatever waits for nothing. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function written(): Promise<string[]> {
  return (await store.reads.logs(['task'])).map(({ log }) => log);
}

test('is decided while an earlier commit is under way, and answered in its turn', async () => {
  const all = [pipelined('first')];
  await turns(() => sent === 1);
  all.push(pipelined('second'));
  await turns(() => sent === 2);
  expect([decided, answered]).toEqual([['first', 'second'], []]);
  // Two at most are under way.
  all.push(pipelined('third'));
  await someTurns();
  expect(decided).toEqual(['first', 'second']);
  open(1);
  await turns(() => sent === 3);
  expect(answered).toEqual(['first']);
  open(3);
  await Promise.all(all);
  expect(answered).toEqual(['first', 'second', 'third']);
  expect(await written()).toEqual(['first', 'second', 'third']);
  expect(loop.rounds).toBe(3);
});

test('any other operation waits until nothing is under way, and what follows it waits for its commit', async () => {
  const all = [pipelined('first')];
  await turns(() => sent === 1);
  all.push(operation('other', { pipelined: false, writes: true }), pipelined('with it'));
  const settled = loop.settled();
  await someTurns();
  expect(decided).toEqual(['first']);
  open(1);
  await Promise.all([...all, settled]);
  expect(sent).toBe(1);
  expect(decided).toEqual(['first', 'other', 'with it']);
  expect(await written()).toEqual(['first', 'other', 'with it']);
});

test('what writes nothing is not answered before that on which it was decided', async () => {
  const all = [pipelined('first')];
  await turns(() => sent === 1);
  all.push(pipelined('asks only', false));
  await turns(() => sent === 2);
  open(2);
  await Promise.all(all);
  expect(answered).toEqual(['first', 'asks only']);
});

test.each(['before writing', 'after writing'] as const)(
  'a commit that fails %s takes with it what was decided on it, and nothing else',
  async (how) => {
    open(1);
    await pipelined('whole');
    store.failing = ({ logs }) => (logs.some(({ log }) => log === 'fails') ? how : null);
    const lost = [pipelined('fails')];
    await turns(() => sent === 2);
    lost.push(pipelined('behind it'), pipelined('asks only', false));
    await turns(() => sent === 3);
    const refused = Promise.allSettled(lost);
    open(3);
    for (const { status, ...rest } of await refused) {
      expect(status).toBe('rejected');
      expect(rest).toMatchObject({ reason: { code: 'store_unavailable' } });
    }
    expect([losses, faults.length]).toEqual([1, 1]);
    expect(await written()).toEqual(how === 'after writing' ? ['whole', 'fails'] : ['whole']);
    open(4);
    await pipelined('afterwards');
    expect(await written()).toContain('afterwards');
    expect(await written()).not.toContain('behind it');
  },
);

test('a defect in a decision loses its own round, once what is under way has been answered', async () => {
  const all = [pipelined('first')];
  await turns(() => sent === 1);
  const broken = loop.submit({
    pipelined: true,
    decide: () => {
      throw new TypeError('a defect');
    },
  });
  const refused = expect(broken).rejects.toMatchObject({ code: 'internal' });
  await someTurns();
  // Memory is read again only when all that was decided on it is written.
  expect(losses).toBe(0);
  open(2);
  await refused;
  await Promise.all(all);
  expect(losses).toBe(1);
  await pipelined('afterwards');
  expect(await written()).toEqual(['first', 'afterwards']);
});

test('a refusal is one operation alone', async () => {
  open(1);
  const refusing = loop.submit({
    pipelined: true,
    decide: () => {
      throw new AppError('conflict', 'not this one');
    },
  });
  const refused = expect(refusing).rejects.toMatchObject({ code: 'conflict' });
  await Promise.all([refused, pipelined('beside it')]);
  expect(losses).toBe(0);
  expect(await written()).toEqual(['beside it']);
});
