// System types of Conductor that are not run here. As worker tasks, which other unknown types are, they would wait for
// ever for a worker that nobody writes: so each fails when its turn comes, and `validate` warns before. What Conductor
// demands of them is demanded all the same. Must never queue anything.
import type { TaskType } from './task-type.ts';

const BY_WORKER = 'a SIMPLE task, whose worker does it';
const BY_MODEL = 'HTTP to the vendor, or a SIMPLE task, whose worker calls it';

const INSTEAD: Readonly<Record<string, readonly string[]>> = {
  [BY_WORKER]: ['KAFKA_PUBLISH', 'JDBC', 'GET_DOCUMENT', 'GENERATE_PDF'],
  'DO_WHILE over HTTP and WAIT': ['HTTP_POLL'],
  'an EVENT task and a handler with complete_task': ['UPDATE_TASK'],
  'WAIT or HUMAN, which an update of the task or a signal completes': ['WAIT_FOR_WEBHOOK', 'PULL_WORKFLOW_MESSAGES'],
  [BY_MODEL]: [
    ...['LLM_CHAT_COMPLETE', 'LLM_TEXT_COMPLETE', 'LLM_GENERATE_EMBEDDINGS', 'LLM_INDEX_TEXT', 'LLM_INDEX_DOCUMENT'],
    ...['LLM_STORE_EMBEDDINGS', 'LLM_SEARCH_INDEX', 'LLM_SEARCH_EMBEDDINGS', 'LLM_GET_EMBEDDINGS'],
    ...['GENERATE_IMAGE', 'GENERATE_AUDIO', 'GENERATE_VIDEO'],
    ...['LIST_MCP_TOOLS', 'CALL_MCP_TOOL', 'GET_AGENT_CARD', 'CANCEL_AGENT'],
  ],
};

const CHECKS: Readonly<Record<string, TaskType['check']>> = {
  KAFKA_PUBLISH: (task, report) => {
    if (task.inputParameters.kafka_request === undefined) {
      report('inputParameters.kafka_request', 'KAFKA_PUBLISH needs kafka_request');
    }
  },
};

export const FOREIGN_TYPES: readonly TaskType[] = Object.entries(INSTEAD).flatMap(([instead, types]) =>
  types.map((type) => foreign(type, `${type} is not a type that this server runs: use ${instead}`)),
);

function foreign(type: string, notRun: string): TaskType {
  const check = Object.hasOwn(CHECKS, type) ? CHECKS[type] : undefined;
  return {
    type,
    notRun,
    ...(check && { check }),
    start: (flow, task) => flow.finish(task, { status: 'FAILED_WITH_TERMINAL_ERROR', reason: notRun }),
  };
}
