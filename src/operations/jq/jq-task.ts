// The JSON_JQ_TRANSFORM system task: a jq program over the task's whole input. Owns how an answer becomes the result of a
// task. Must never run a program on the server's own thread: whoever wires it gives a runner.
import { EMPTY_OBJECT, Json } from '../../model/json.ts';
import type { InProcessResult, InProcessWorker } from '../../orchestrator/ports.ts';
import type { JqAnswer, JqRunner } from './jq-answer.ts';

/** They run one after another: the others are claimed already when their turn comes. */
const CONCURRENCY = 8;

export function createJqWorker(runner: JqRunner): InProcessWorker {
  return {
    queue: 'JSON_JQ_TRANSFORM',
    concurrency: CONCURRENCY,
    // The input as it is stored, vault keys concealed: a program could turn a key into text that nobody knows again.
    execute: async ({ input }, _run, _filled, stop) => {
      const { queryExpression: program } = input.object;
      if (program === undefined || program === null) return refusal("Missing 'queryExpression' in input parameters");
      if (typeof program !== 'string') return refusal("'queryExpression' in input parameters is not text");
      return resultOf(await runner.run({ program, document: input.text, isWanted: () => !stop.stopped }));
    },
  };
}

function resultOf(answer: JqAnswer): InProcessResult {
  if (answer.kind === 'results') return { status: 'COMPLETED', output: Json.text(answer.text), reason: null };
  const { kind, message } = answer;
  // Conductor's status for a program that fails; a limit would be met again at the next attempt.
  const status = kind === 'limit' ? 'FAILED_WITH_TERMINAL_ERROR' : 'FAILED';
  return { status, output: Json.of({ error: message }), reason: message };
}

function refusal(reason: string): InProcessResult {
  return { status: 'FAILED_WITH_TERMINAL_ERROR', output: EMPTY_OBJECT, reason };
}
