import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, expect, test } from 'vitest';
import { Json, type JsonObject } from '../../model/json.ts';
import type { InProcessResult } from '../../orchestrator/ports.ts';
import { Stopper } from '../../orchestrator/stop.ts';
import { sampleRun, sampleTask } from '../../store/conformance-samples.ts';
import type { JqRequest, JqRunner } from './jq-answer.ts';
import { compileJq, createJqMachine } from './jq-machine.ts';
import { createJqWorker } from './jq-task.ts';

let runner: JqRunner;
const asked: JqRequest[] = [];
beforeAll(async () => {
  const bytes = readFileSync(createRequire(import.meta.url).resolve('jq-wasm/jq.wasm'));
  const compiled = await compileJq(bytes);
  runner = {
    run: async (request) => {
      asked.push(request);
      const machine = await createJqMachine(compiled, { outputBytesMax: 10_000 });
      return machine.run(request.program, request.document);
    },
  };
});

/** `filled`: as a worker would be handed it, with its vault keys. */
async function execute(input: JsonObject, filled = input, stop = new Stopper()): Promise<InProcessResult> {
  const run = sampleRun();
  return createJqWorker(runner).execute(
    sampleTask(run, { input: Json.of(input) }),
    run,
    Json.of(filled),
    stop,
    () => ({}),
  );
}

test('the program runs over the whole input, itself included', async () => {
  const { status, output, reason } = await execute({ queryExpression: 'keys, .n + 1', n: 1 });
  expect({ status, output: output.value, reason }).toEqual({
    status: 'COMPLETED',
    output: { result: ['n', 'queryExpression'], resultList: [['n', 'queryExpression'], 2] },
    reason: null,
  });
});

test('a program that gives nothing has no result, and is no failure', async () => {
  const { status, output } = await execute({ queryExpression: 'empty' });
  expect([status, output.value]).toEqual(['COMPLETED', { result: null, resultList: [] }]);
});

test('an error of the program fails the task as Conductor does: it may be retried', async () => {
  const { status, output, reason } = await execute({ queryExpression: '.n.m', n: 1 });
  expect(status).toBe('FAILED');
  expect(reason).toBe('Cannot index number with string ("m")');
  expect(output.value).toEqual({ error: reason });
});

test('a limit fails it for good', async () => {
  const { status, output, reason } = await execute({ queryExpression: '"x" * 10000' });
  expect(status).toBe('FAILED_WITH_TERMINAL_ERROR');
  expect(output.value).toEqual({ error: reason });
});

test.each<[JsonObject, RegExp]>([
  [{}, /^Missing 'queryExpression' in input parameters$/],
  [{ queryExpression: null }, /^Missing 'queryExpression'/],
  [{ queryExpression: 5 }, /is not text$/],
])('without a program, as in %j, it fails for good', async (input, expected) => {
  const { status, reason } = await execute(input);
  expect(status).toBe('FAILED_WITH_TERMINAL_ERROR');
  expect(reason).toMatch(expected);
});

test('a program never sees a vault key, which it could turn into text that nobody knows again', async () => {
  const stored = { queryExpression: '.key | explode | implode', key: '${workflow.vault.stripe.key}' };
  const { output } = await execute(stored, { ...stored, key: 'vk_real' });
  expect(output.object.result).toBe('${workflow.vault.stripe.key}');
});

test('when its turn comes it is asked whether anybody still waits', async () => {
  const stop = new Stopper();
  await execute({ queryExpression: '1' }, {}, stop);
  const request = asked.at(-1);
  expect(request?.isWanted()).toBe(true);
  stop.stop();
  expect(request?.isWanted()).toBe(false);
});
