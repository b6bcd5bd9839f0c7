// Every task type that the engine knows. A new one is a file beside this and a line here.
import { approval } from './approval.ts';
import { decision } from './decision.ts';
import { doWhile } from './do-while.ts';
import { dynamic } from './dynamic.ts';
import { dynamicFork } from './dynamic-fork.ts';
import { event } from './event.ts';
import { exclusiveJoin } from './exclusive-join.ts';
import { FOREIGN_TYPES } from './foreign-types.ts';
import { forkJoin } from './fork-join.ts';
import { human } from './human.ts';
import { IN_PROCESS_TYPES } from './in-process.ts';
import { inline } from './inline.ts';
import { join } from './join.ts';
import { lambda } from './lambda.ts';
import { noop } from './noop.ts';
import { setVariable } from './set-variable.ts';
import { simple } from './simple.ts';
import { startWorkflow } from './start-workflow.ts';
import { subWorkflow } from './sub-workflow.ts';
import { switchType } from './switch.ts';
import type { TaskType, TaskTypes } from './task-type.ts';
import { terminate } from './terminate.ts';
import { wait } from './wait.ts';

const ALL: readonly TaskType[] = [
  simple,
  ...IN_PROCESS_TYPES,
  event,
  forkJoin,
  dynamicFork,
  join,
  exclusiveJoin,
  switchType,
  decision,
  doWhile,
  subWorkflow,
  startWorkflow,
  setVariable,
  inline,
  lambda,
  wait,
  human,
  approval,
  noop,
  terminate,
  dynamic,
  ...FOREIGN_TYPES,
];

export const TASK_TYPES: TaskTypes = new Map(ALL.map((type) => [type.type, type]));

export function isTaskType(type: string): boolean {
  return TASK_TYPES.has(type);
}
