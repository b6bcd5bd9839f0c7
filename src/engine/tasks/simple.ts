// SIMPLE: a task for workers, and what every unknown type is read as. The engine only queues it.
import type { TaskType } from './task-type.ts';

export const simple: TaskType = { type: 'SIMPLE', queued: true };
