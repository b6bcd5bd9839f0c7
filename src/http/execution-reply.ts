// Replies about an execution: where the execute API and triggers say the same. Owns the bodies for failed, late and
// suspended executions; every one names its execution, so that its caller can ask again.
import type { ExecutionOutcome } from '../ensembles/executor.ts';
import { ERRORS } from '../model/error.ts';
import { envelope, TITLES } from './envelope.ts';
import { OutputError } from './output/header-rules.ts';
import { json, type Reply } from './route.ts';

export interface ReplyPlace {
  readonly requestId: string;
  /** Epoch ms. */
  readonly now: number;
}

type Outcome<K extends ExecutionOutcome['kind']> = Extract<ExecutionOutcome, { kind: K }>;

export function failedReply({ executionId, message, agent }: Outcome<'failed'>, place: ReplyPlace): Reply {
  return failure('execution_failed', message, place, {
    executionId,
    ...(agent === null ? {} : { agent }),
  });
}

/** The output was made but cannot be sent: the author of the ensemble must mend it. Rethrows any other error. */
export function unsendableReply(error: unknown, executionId: string, place: ReplyPlace): Reply {
  if (!(error instanceof OutputError)) throw error;
  return failure('execution_failed', error.message, place, {
    reason: error.reason,
    executionId,
  });
}

export function lateReply(executionId: string, waitMs: number, place: ReplyPlace): Reply {
  const message = `The execution takes longer than ${waitMs} ms and goes on. Ask for it under its id.`;
  return failure('execution_timeout', message, place, { executionId });
}

/** It waits for somebody or something; `suspended` says for whom. */
export function suspendedReply({ executionId, suspended }: Outcome<'running'>, metadata: object): Reply {
  const status = suspended === null ? 'running' : 'suspended';
  return accepted(executionId, { ...suspended, success: true, status, executionId, metadata });
}

export function processingReply(executionId: string): Reply {
  return accepted(executionId, { success: true, executionId, status: 'processing' });
}

function accepted(executionId: string, body: object): Reply {
  return { ...json(body, 202), headers: { location: `/api/v1/executions/${encodeURIComponent(executionId)}` } };
}

function failure(
  code: 'execution_failed' | 'execution_timeout',
  message: string,
  { now, requestId }: ReplyPlace,
  more: Readonly<Record<string, unknown>>,
): Reply {
  const { status, retryable } = ERRORS[code];
  return json(envelope({ error: TITLES[code], code, message, retryable, requestId, now, more }), status);
}
