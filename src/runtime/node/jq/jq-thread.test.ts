import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { JsonValue } from '../../../model/json.ts';
import type { JqAnswer } from '../../../operations/jq/jq-answer.ts';
import { JqThread, type JqThreadOptions } from './jq-thread.ts';

const threads: JqThread[] = [];
afterEach(async () => {
  for (const thread of threads.splice(0)) await thread.close();
});

function open(options: JqThreadOptions = {}): JqThread {
  const thread = new JqThread(options);
  threads.push(thread);
  return thread;
}

function run(thread: JqThread, program: string, document: JsonValue = {}, isWanted = () => true): Promise<JqAnswer> {
  return thread.run({ program, document: JSON.stringify(document), isWanted });
}

function resultOf(answer: JqAnswer): unknown {
  return answer.kind === 'results' ? JSON.parse(answer.text).result : answer;
}

const HANGS = 'def f: f; f';
/** Long enough for a program that ends, also where everything is slow. */
const STOPPED_AFTER_MS = 1_500;

test('programs that come at once are all run, one after another, on one thread', async () => {
  const thread = open();
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => run(thread, '.n * 2', { n })));
  expect(answers.map(resultOf)).toEqual(Array.from({ length: 20 }, (_, n) => n * 2));
});

test.each([
  ['recurses for ever', HANGS],
  ['repeats for ever and gives nothing', 'repeat(1) | empty'],
  ['counts for an hour', '[range(1000000000000) | select(false)]'],
])('a program that %s is stopped, and the next one runs', async (_name, program) => {
  const thread = open({ timeoutMs: STOPPED_AFTER_MS });
  const [stopped, next] = await Promise.all([run(thread, program), run(thread, '.a', { a: 'fine' })]);
  expect(stopped).toEqual({
    kind: 'limit',
    message: 'The jq program was stopped: it ran for more than 1.5 seconds.',
  });
  expect(resultOf(next)).toBe('fine');
});

test.each([
  ['fills the memory', '[range(1e9)]', /memory/],
  ['recurses deeper and deeper', 'def f: 1 + f; f', /memory/],
  [
    'never ends its results',
    'repeat("xxxxxxxxxxxxxxxx")',
    /^The output of the jq program has more than 10485760 bytes/,
  ],
])('a program that %s fails by itself, and the next one runs', async (_name, program, message) => {
  const thread = open({ timeoutMs: 60_000 });
  const [failed, next] = await Promise.all([run(thread, program), run(thread, '.a', { a: 'fine' })]);
  expect(failed).toMatchObject({ kind: 'limit', message: expect.stringMatching(message) });
  expect(resultOf(next)).toBe('fine');
});

test('the server goes on while a program hangs', async () => {
  const thread = open({ timeoutMs: STOPPED_AFTER_MS });
  let hangs = true;
  const stopped = run(thread, HANGS).then(() => {
    hangs = false;
  });
  let turns = 0;
  while (hangs) {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await stopped;
  expect(turns).toBeGreaterThan(1);
});

test('a document of megabytes goes in and comes out whole', async () => {
  const rows = Array.from({ length: 50_000 }, (_, id) => ({ id, name: `row ${id} é` }));
  expect(resultOf(await run(open({ timeoutMs: 60_000 }), '.rows', { rows }))).toEqual(rows);
});

test('what nobody waits for any more is not run', async () => {
  const thread = open();
  const [, unwanted, last] = await Promise.all([
    run(thread, '1'),
    run(thread, HANGS, {}, () => false),
    run(thread, '2'),
  ]);
  expect(unwanted.kind).toBe('unavailable');
  expect(resultOf(last)).toBe(2);
});

test('the line is bounded: who comes when it is full is told so at once', async () => {
  const thread = open({ waitingMax: 2 });
  const answers = await Promise.all([1, 2, 3, 4, 5].map((n) => run(thread, '.n', { n })));
  expect(answers.map(({ kind }) => kind)).toEqual(['results', 'results', 'results', 'unavailable', 'unavailable']);
});

describe('its end', () => {
  test('comes when no program has come for a while; the next one begins another', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const thread = open();
      expect(resultOf(await run(thread, '1'))).toBe(1);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(60_000);
      expect(vi.getTimerCount()).toBe(0);
      expect(resultOf(await run(thread, '2'))).toBe(2);
      await thread.close();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('answers who waits, ends what runs, and takes nothing more', async () => {
    const thread = open({ timeoutMs: 600_000 });
    await run(thread, '1');
    const answers = Promise.all([run(thread, HANGS), run(thread, '2')]);
    await thread.close();
    await thread.close();
    expect((await answers).map(({ kind }) => kind)).toEqual(['unavailable', 'unavailable']);
    expect((await run(thread, '3')).kind).toBe('unavailable');
  });

  test('an idle thread keeps no process alive, a running program does', () => {
    const module = fileURLToPath(new URL('./jq-thread.ts', import.meta.url));
    const script = `
      import { JqThread } from ${JSON.stringify(module)};
      const thread = new JqThread({ timeoutMs: 60_000 });
      const request = { program: 'env, $ENV', document: '{}', isWanted: () => true };
      thread.run(request).then((answer) => console.log(answer.text));`;
    const child = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(child).toMatchObject({
      status: 0,
      signal: null,
      stderr: '',
      stdout: '{"result":{},"resultList":[{},{}]}\n',
    });
  });
});
