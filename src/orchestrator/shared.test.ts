// Several orchestrators over one Postgres: everything works on every one of them, for every execution.
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventHandlerSchema } from '../model/event-handler.ts';
import { EMPTY_OBJECT } from '../model/json.ts';
import { emptyBatch } from '../store/write-batch.ts';
import type { HandedTask } from './orchestrator-api.ts';
import type { InProcessWorker } from './ports.ts';
import { Sweep } from './sweep.ts';
import { type FixtureOptions, openReplica, pollOf, type Replica, register, report, start } from './testing/fixture.ts';
import { postgresStorage } from './testing/storage.ts';

let storage: Awaited<ReturnType<typeof postgresStorage>>;
let replicas: Replica[];

beforeEach(async () => {
  storage = await postgresStorage();
  replicas = [];
});

afterEach(async () => {
  await Promise.all(replicas.map((replica) => replica.close()));
  await storage.dispose();
});

async function open(options: FixtureOptions = {}): Promise<Replica> {
  const replica = await openReplica(storage, options);
  replicas.push(replica);
  return replica;
}

const openThree = async () => [await open(), await open(), await open()] as const;

const simple = (name: string, more = {}) => ({ name, taskReferenceName: `${name}_ref`, type: 'SIMPLE', ...more });
const done = (handed: HandedTask | undefined, output = {}) => ({
  taskId: handed?.task.id,
  status: 'COMPLETED',
  outputData: output,
});

async function take({ orchestrator }: Replica, taskType: string): Promise<HandedTask> {
  for (let tries = 0; tries < 5; tries += 1) {
    const [handed] = await pollOf(orchestrator, taskType, 1, 5000);
    if (handed) return handed;
  }
  throw new Error(`no task of ${taskType}`);
}

const read = async ({ store }: Replica, id: string) => {
  const found = await store.reads.run(id, true);
  if (!found) throw new Error(`no run ${id}`);
  return found;
};

async function ended(replica: Replica, id: string) {
  for (let tries = 0; tries < 1000; tries += 1) {
    const found = await read(replica, id);
    if (found.run.status !== 'RUNNING') return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${id} does not end`);
}

describe('an execution', () => {
  it('is started on one replica and goes on at whichever its workers ask', async () => {
    const [a, b, c] = await openThree();
    await register(a.orchestrator, { name: 'three', tasks: [simple('a'), simple('b'), simple('c')] });
    const id = await start(b.orchestrator, { name: 'three', input: { x: 1 } });
    await report(a.orchestrator, done(await take(c, 'a')));
    await report(c.orchestrator, done(await take(b, 'b')));
    await report(b.orchestrator, done(await take(a, 'c'), { at: 'last' }));
    const { run, tasks } = await read(c, id);
    expect([run.status, run.output.value]).toEqual(['COMPLETED', { at: 'last' }]);
    expect(tasks.map(({ ref, status }) => [ref, status])).toEqual(
      ['a_ref', 'b_ref', 'c_ref'].map((ref) => [ref, 'COMPLETED']),
    );
  });

  it('is not found under another’s id on a replica that has neither in memory', async () => {
    const [a, b, c] = await openThree();
    await register(a.orchestrator, { name: 'one', tasks: [simple('a')] });
    const id = await start(a.orchestrator, { name: 'one' });
    const handed = await take(b, 'a');
    const other = await start(a.orchestrator, { name: 'one' });
    const wrong = { ...done(handed), workflowInstanceId: other };
    await expect(report(c.orchestrator, wrong)).rejects.toThrow(/not found/i);
    await report(c.orchestrator, { ...done(handed), workflowInstanceId: id });
    expect((await read(a, id)).run.status).toBe('COMPLETED');
  });

  it('wakes a poll that waits on another replica', async () => {
    const [a, b] = await openThree();
    await register(a.orchestrator, { name: 'one', tasks: [simple('a')] });
    const waiting = pollOf(b.orchestrator, 'a', 1, 20_000);
    await start(a.orchestrator, { name: 'one' });
    expect(await waiting).toHaveLength(1);
  });

  it('is paused, resumed and terminated from any replica', async () => {
    const [a, b, c] = await openThree();
    await register(a.orchestrator, { name: 'two', tasks: [simple('a'), simple('b')] });
    const id = await start(a.orchestrator, { name: 'two' });
    const first = await take(a, 'a');
    await b.orchestrator.pause(id);
    await report(c.orchestrator, done(first));
    expect(await pollOf(a.orchestrator, 'b')).toEqual([]);
    await c.orchestrator.resume(id);
    const second = await take(a, 'b');
    await b.orchestrator.terminate(id, 'enough');
    await report(a.orchestrator, done(second));
    const { run, tasks } = await read(b, id);
    expect([run.status, run.reason, tasks.at(-1)?.status]).toEqual(['TERMINATED', 'enough', 'CANCELED']);
  });

  it('with one idempotency key starts once, asked of all replicas at the same time', async () => {
    const all = await openThree();
    await register(all[0].orchestrator, { name: 'one', tasks: [simple('a')] });
    const request = { name: 'one', idempotencyKey: 'k', idempotencyStrategy: 'RETURN_EXISTING' };
    const ids = await Promise.all([...all, ...all, ...all].map(({ orchestrator }) => start(orchestrator, request)));
    expect(new Set(ids).size).toBe(1);
    expect(await all[1].store.reads.runningIds('one', null, 0, Number.MAX_SAFE_INTEGER)).toEqual([ids[0]]);
  });
});

describe('a fork of 300', () => {
  it('worked off on three replicas at once gives every task to one worker, and ends', async () => {
    const all = await openThree();
    const branches = Array.from({ length: 300 }, (_, i) => [{ ...simple('x'), taskReferenceName: `x${i}` }]);
    const join = {
      name: 'j',
      taskReferenceName: 'j',
      type: 'JOIN',
      joinOn: branches.map(([task]) => task?.taskReferenceName),
    };
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: branches };
    await register(all[0].orchestrator, { name: 'wide', tasks: [fork, join, simple('last')] });
    const id = await start(all[0].orchestrator, { name: 'wide' });
    const taken: string[] = [];
    const work = async ({ orchestrator }: Replica) => {
      while (taken.length < 300) {
        const handed = await pollOf(orchestrator, 'x', 7, 200);
        taken.push(...handed.map(({ task }) => task.id));
        await Promise.all(handed.map((one) => report(orchestrator, done(one))));
      }
    };
    await Promise.all([...all, ...all].map(work));
    expect([taken.length, new Set(taken).size]).toEqual([300, 300]);
    await report(all[2].orchestrator, done(await take(all[1], 'last')));
    expect((await read(all[0], id)).run.status).toBe('COMPLETED');
    expect(all.flatMap(({ faults }) => faults)).toEqual([]);
  });
});

describe('limits', () => {
  it('of concurrency hold over all replicas', async () => {
    const all = await openThree();
    const branches = Array.from({ length: 30 }, (_, i) => [{ ...simple('x'), taskReferenceName: `x${i}` }]);
    const fork = { name: 'f', taskReferenceName: 'f', type: 'FORK_JOIN', forkTasks: branches };
    const join = {
      name: 'j',
      taskReferenceName: 'j',
      type: 'JOIN',
      joinOn: branches.map(([task]) => task?.taskReferenceName),
    };
    await register(all[0].orchestrator, { name: 'wide', tasks: [fork, join] }, { name: 'x', concurrentExecLimit: 4 });
    const id = await start(all[0].orchestrator, { name: 'wide' });
    let [inProgress, most, finished] = [0, 0, 0];
    const work = async ({ orchestrator }: Replica) => {
      while (finished < 30) {
        const handed = await pollOf(orchestrator, 'x', 3, 500);
        inProgress += handed.length;
        most = Math.max(most, inProgress);
        for (const one of handed) {
          inProgress -= 1;
          finished += 1;
          await report(orchestrator, done(one));
        }
      }
    };
    await Promise.all(all.map(work));
    expect(most).toBeLessThanOrEqual(4);
    expect((await read(all[1], id)).run.status).toBe('COMPLETED');
  });

  it('of rate hold over all replicas', async () => {
    const all = await openThree();
    const rate = { rateLimitPerFrequency: 5, rateLimitFrequencyInSeconds: 3600 };
    await register(all[0].orchestrator, { name: 'one', tasks: [simple('x')] }, { name: 'x', ...rate });
    for (let i = 0; i < 12; i += 1) await start(all[i % 3 === 0 ? 0 : 1].orchestrator, { name: 'one' });
    const handed = await Promise.all(all.map(({ orchestrator }) => pollOf(orchestrator, 'x', 10, 1500)));
    expect(handed.flat()).toHaveLength(5);
    expect(await pollOf(all[1].orchestrator, 'x', 10)).toEqual([]);
  });
});

describe('one run that speaks to another', () => {
  const parent = {
    name: 'parent',
    tasks: [
      { name: 's', taskReferenceName: 's', type: 'SUB_WORKFLOW', subWorkflowParam: { name: 'child' } },
      simple('after'),
    ],
  };

  it('is heard on every replica', async () => {
    const [a, b, c] = await openThree();
    await register(a.orchestrator, { name: 'child', tasks: [simple('inner')] });
    await register(a.orchestrator, parent);
    const id = await start(a.orchestrator, { name: 'parent' });
    await report(c.orchestrator, done(await take(b, 'inner'), { said: 'done' }));
    await report(b.orchestrator, done(await take(c, 'after')));
    const { run, tasks } = await read(a, id);
    expect([run.status, tasks[0]?.output.value]).toMatchObject(['COMPLETED', { said: 'done' }]);
  });

  it('is heard when the other is held by somebody else at that moment', async () => {
    const [a, b] = await openThree();
    await register(a.orchestrator, { name: 'child', tasks: [simple('inner')] });
    await register(a.orchestrator, parent);
    const id = await start(a.orchestrator, { name: 'parent' });
    const inner = await take(b, 'inner');
    const other = await storage.open();
    const rowId = (await other.reads.runRowId(id)) ?? 0;
    const holding = await other.round();
    await holding.loadRuns([{ rowId, revision: 0 }]);
    await report(b.orchestrator, done(inner));
    expect((await read(a, id)).tasks.map(({ ref }) => ref)).toEqual(['s']);
    expect(await b.store.shared?.signals(Date.now() + 1000, 10)).toHaveLength(1);
    await holding.commit(emptyBatch());
    await report(a.orchestrator, done(await take(a, 'after')));
    expect((await ended(b, id)).run.status).toBe('COMPLETED');
    expect(await b.store.shared?.signals(Date.now() + 1000, 10)).toEqual([]);
    await other.close();
  });

  it('is heard by a replica that was started after the one that should have told it died', async () => {
    const a = await open();
    await register(a.orchestrator, { name: 'child', tasks: [simple('inner')] });
    await register(a.orchestrator, parent);
    const id = await start(a.orchestrator, { name: 'parent' });
    const inner = await take(a, 'inner');
    const other = await storage.open();
    const rowId = (await other.reads.runRowId(id)) ?? 0;
    const holding = await other.round();
    await holding.loadRuns([{ rowId, revision: 0 }]);
    await report(a.orchestrator, done(inner));
    // Its store ends under it: it can tell nobody any more.
    await a.store.close();
    await holding.abandon();
    await other.close();
    const b = await open();
    await report(b.orchestrator, done(await take(b, 'after')));
    expect((await ended(b, id)).run.status).toBe('COMPLETED');
  });
});

describe('a timer', () => {
  it('set on a replica that is gone fires on another', async () => {
    const [a, b] = [await open(), await open()];
    const wait = { name: 'w', taskReferenceName: 'w', type: 'WAIT', inputParameters: { duration: '1 second' } };
    await register(a.orchestrator, { name: 'waits', tasks: [wait, simple('after')] });
    const id = await start(a.orchestrator, { name: 'waits' });
    await a.store.close();
    await report(b.orchestrator, done(await take(b, 'after')));
    expect((await ended(b, id)).run.status).toBe('COMPLETED');
  });
});

describe('a task that runs inside a replica', () => {
  const worker = (execute: InProcessWorker['execute']): InProcessWorker => ({ queue: 'HTTP', concurrency: 4, execute });
  const http = {
    name: 'h',
    taskReferenceName: 'h',
    type: 'HTTP',
    inputParameters: { http_request: { uri: 'http://x', method: 'GET' } },
  };
  const completed = { status: 'COMPLETED', output: EMPTY_OBJECT, reason: null } as const;

  it('is given to another when its replica has been silent for too long, and its late result is not taken', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    let [begun, ran] = [0, 0];
    const slow = worker(async () => {
      begun += 1;
      await released;
      return { ...completed, status: 'FAILED_WITH_TERMINAL_ERROR', reason: 'too late' };
    });
    const a = await open({ workers: [slow] });
    await register(a.orchestrator, { name: 'calls', tasks: [http, simple('after')] });
    const id = await start(a.orchestrator, { name: 'calls' });
    for (let tries = 0; begun === 0 && tries < 4000; tries += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    const b = await open({
      workers: [
        worker(async () => {
          ran += 1;
          return completed;
        }),
      ],
    });
    const client = new pg.Client(storage.url);
    await client.connect();
    // As a stopped process looks to the others: it has a row, and the row does not move.
    await client.query(`update process set alive_at = now() - interval '1 minute' where id = '${a.processId}'`);
    await client.query(`create function stopped() returns trigger language plpgsql as
      $$ begin if new.id = '${a.processId}' then return null; end if; return new; end $$`);
    await client.query('create trigger t before insert or update on process for each row execute function stopped()');
    await client.end();
    const after = await take(b, 'after');
    release();
    await report(b.orchestrator, done(after));
    const { run, tasks } = await ended(b, id);
    expect([run.status, tasks[0]?.status, ran]).toEqual(['COMPLETED', 'COMPLETED', 1]);
  });

  it('is not taken from a replica by one that did not reach the store itself until now, but later', async () => {
    let begun = 0;
    const endless = worker((_task, _run, _input, stop) => {
      begun += 1;
      return new Promise((resolve) => stop.onStop(() => resolve(completed)));
    });
    const a = await open({ workers: [endless] });
    await register(a.orchestrator, { name: 'calls', tasks: [http] });
    await start(a.orchestrator, { name: 'calls' });
    await expect.poll(() => begun).toBe(1);
    await Promise.all(replicas.splice(0).map((replica) => replica.close()));
    const store = await storage.open();
    const { shared } = store;
    if (!shared) throw new Error('The store is not shared.');
    let [now, orphans] = [Date.now(), 0];
    const ignore = () => undefined;
    const judge = new Sweep({
      shared,
      processId: 'judge',
      clock: { now: () => now },
      random: Math.random,
      timer: ignore,
      signal: ignore,
      touchWaiting: ignore,
      freshen: async () => undefined,
      refreshPolls: async () => undefined,
      orphan: () => {
        orphans += 1;
      },
    });
    await judge.start();
    await judge.stop();
    const lookAfter = async (ms: number) => {
      now += ms;
      // It says that it lives, and looks who does not, every third time.
      for (let i = 0; i < 3; i += 1) await judge.look();
      return orphans;
    };
    expect(await lookAfter(60_000)).toBe(0);
    expect(await lookAfter(3_000)).toBe(0);
    expect(await lookAfter(6_000)).toBe(1);
    await store.close();
  });
});

describe('definitions', () => {
  it('registered, changed and removed on one replica are known to the next start on every other', async () => {
    const [a, b] = await openThree();
    const put = (name: string) => register(a.orchestrator, { name: 'changing', tasks: [simple(name)] });
    await put('old');
    await start(b.orchestrator, { name: 'changing' });
    await put('new');
    const id = await start(b.orchestrator, { name: 'changing' });
    expect((await read(a, id)).tasks[0]?.defName).toBe('new');
    await b.orchestrator.removeDefinition('changing', 1);
    await expect(start(a.orchestrator, { name: 'changing' })).rejects.toMatchObject({ code: 'not_found' });
  });

  it('of event handlers too, created once and removed for all', async () => {
    const [a, b] = await openThree();
    const handler = eventHandlerSchema.parse({
      ...{ name: 'one', event: 'conductor:x:y', active: true },
      actions: [{ action: 'start_workflow', start_workflow: { name: 'listens' } }],
    });
    const created = [a, b].map(({ orchestrator }) => orchestrator.putEventHandlers([handler], 'create'));
    const outcomes = await Promise.allSettled(created);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const known = async ({ orchestrator }: Replica) => {
      await register(orchestrator, { name: 'any', tasks: [simple('a')] });
      return orchestrator.eventHandlers().map(({ name }) => name);
    };
    expect(await Promise.all([a, b].map(known))).toEqual([['one'], ['one']]);
    await b.orchestrator.removeEventHandler('one');
    expect(await known(a)).toEqual([]);
  });

  it('created on two replicas at once are created once', async () => {
    const all = await openThree();
    const definition = { name: 'one', version: 1, tasks: [simple('a')] };
    const { workflowDefinitionSchema } = await import('../model/workflow-definition.ts');
    const parsed = workflowDefinitionSchema.parse(definition);
    const outcomes = await Promise.allSettled(
      all.map(({ orchestrator }) => orchestrator.putDefinition(parsed, 'create')),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
