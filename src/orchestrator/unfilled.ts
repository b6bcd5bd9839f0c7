// An update that says nothing, for those that say a little.
import type { TaskUpdate } from '../engine/decide/decision.ts';
import { EMPTY_OBJECT } from '../model/json.ts';

export const UNFILLED = {
  status: 'IN_PROGRESS',
  output: EMPTY_OBJECT,
  reason: null,
  workerId: null,
  callbackAfterSeconds: 0,
  extendLease: false,
} as const satisfies TaskUpdate;
