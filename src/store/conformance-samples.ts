// Rows for the conformance suite: plain ones to vary, and arbitrary ones that hold whatever a caller may send.
import fc from 'fast-check';
import { Json } from '../model/json.ts';
import type { Run, Task } from '../model/run.ts';
import { RUN_STATUSES } from '../model/run-status.ts';
import { TASK_STATUSES } from '../model/task-status.ts';
import type { AuditEntry, Charge, VaultKey } from '../model/vault.ts';
import { type ScheduleExecution, type ScheduleRecord, workflowScheduleSchema } from '../model/workflow-schedule.ts';
import type { Store } from './port.ts';
import { emptyBatch, type WriteBatch } from './write-batch.ts';

const AT_MS = 1_790_000_000_000;

let lastNumber = 0;

/** A number that no other row of this process has. */
export function fresh(): number {
  lastNumber += 1;
  return lastNumber;
}

export function commit(store: Store, rows: Partial<WriteBatch>): Promise<void> {
  return commitBatch(store, { ...emptyBatch(), ...rows });
}

/** As a loop does it: what the batch changes is loaded first, so that a shared store has it locked. */
async function commitBatch(store: Store, batch: WriteBatch): Promise<void> {
  const round = await store.round();
  try {
    const isNew = new Set(batch.newRuns.map(({ rowId }) => rowId));
    const runs = [
      ...batch.changedRuns.map(({ rowId }) => rowId),
      ...[...batch.newTasks, ...batch.changedTasks].map(({ runRowId }) => runRowId),
      ...batch.removedRuns,
    ];
    const wanted = [...new Set(runs)].filter((rowId) => !isNew.has(rowId));
    if (wanted.length > 0) await round.loadRuns(wanted.map((rowId) => ({ rowId, revision: 0 })));
    const schedules = [...batch.schedules, ...batch.firedSchedules].map(({ schedule }) => schedule.name);
    const named = [...schedules, ...batch.removedSchedules];
    if (named.length > 0) await round.loadSchedules(named);
    const keys = new Set([
      ...batch.vaultKeys.map(({ id }) => id),
      ...[...batch.newCharges, ...batch.changedCharges].map(({ keyId }) => keyId),
    ]);
    if (keys.size > 0) {
      await round.shared?.lockVaultKeys([...keys].map((id) => ({ id, revision: 0, sinceMs: 0 })));
    }
    await round.commit(batch);
  } catch (error) {
    await round.abandon();
    throw error;
  }
}

export function sampleSchedule(over: Partial<ScheduleRecord> = {}, wire: object = {}): ScheduleRecord {
  const schedule = workflowScheduleSchema.parse({
    name: `schedule-${fresh()}`,
    cronExpression: '0 0 9 * * *',
    startWorkflowRequest: { name: 'billing', input: { at: 'nine' } },
    ...wire,
  });
  return { schedule, createdMs: AT_MS, updatedMs: AT_MS, nextMs: AT_MS + 1, lastMs: 0, ...over };
}

export function sampleFiring(over: Partial<ScheduleExecution> = {}): ScheduleExecution {
  return {
    id: `firing-${fresh()}`,
    scheduleName: 'nightly',
    workflowName: 'billing',
    workflowId: `run-${fresh()}`,
    state: 'EXECUTED',
    reason: null,
    scheduledMs: AT_MS,
    executedMs: AT_MS + 5,
    cron: { cronExpression: '0 0 9 * * *', zoneId: 'UTC' },
    ...over,
  };
}

export function sampleRun(over: Partial<Run> = {}): Run {
  const rowId = over.rowId ?? fresh();
  return {
    rowId,
    id: `run-${rowId}`,
    rootId: `run-${rowId}`,
    snapshotId: 'snapshot',
    name: 'billing',
    version: 1,
    correlationId: null,
    priority: 0,
    taskToDomain: {},
    createdBy: null,
    parent: null,
    idempotencyKey: null,
    input: Json.text('{}'),
    createdMs: AT_MS,
    status: 'RUNNING',
    output: Json.text('{}'),
    variables: Json.text('{}'),
    reason: null,
    failedRefs: [],
    failedNames: [],
    updatedMs: AT_MS,
    endedMs: 0,
    lastRetriedMs: 0,
    dueMs: 0,
    lastSeq: 0,
    openTasks: 0,
    sequenceDone: false,
    ...over,
  };
}

export function sampleTask(run: Run, over: Partial<Task> = {}): Task {
  const rowId = over.rowId ?? fresh();
  return {
    rowId,
    id: `task-${rowId}`,
    runRowId: run.rowId,
    ref: 'charge_customer',
    step: 'charge_customer',
    scope: '',
    iteration: 0,
    type: 'charge',
    defName: 'charge',
    queue: 'charge',
    domain: null,
    seq: 1,
    attempt: 0,
    retriedTaskId: null,
    input: Json.text('{}'),
    fragment: null,
    forkRowId: 0,
    responseTimeoutSeconds: 3600,
    startDelaySeconds: 0,
    scheduledMs: AT_MS,
    firstScheduledMs: AT_MS,
    status: 'SCHEDULED',
    output: Json.text('{}'),
    reason: null,
    workerId: null,
    pollCount: 0,
    callbackAfterSeconds: 0,
    startedMs: 0,
    endedMs: 0,
    updatedMs: AT_MS,
    visibleMs: 0,
    dueMs: 0,
    retried: false,
    executed: false,
    waiting: 0,
    subRunId: null,
    ...over,
  };
}

export function sampleVaultKey(over: Partial<VaultKey> = {}): VaultKey {
  return {
    id: `vk_${fresh()}`,
    vendor: 'stripe',
    capMicros: 500_000_000,
    capWindow: 'utc_day',
    capStatus: 429,
    allowedEndpoints: ['POST /v1/charges', 'charges.*'],
    zeroCostEndpoints: [],
    runLabel: null,
    runId: null,
    name: null,
    issuedBy: 'budget',
    createdMs: AT_MS,
    expiresMs: AT_MS + 3_600_000,
    revokedMs: 0,
    idempotencyKey: null,
    requestDigest: null,
    ...over,
  };
}

export function sampleCharge(keyId: string, over: Partial<Charge> = {}): Charge {
  const rowId = over.rowId ?? fresh();
  return {
    rowId,
    keyId,
    state: 'reserved',
    amountMicros: 1_000_000,
    reservedMs: AT_MS,
    settledMs: 0,
    fingerprint: `print-${rowId}`,
    bodyDigest: 'digest',
    idempotencyKey: 'once',
    runId: null,
    ref: null,
    attempt: 0,
    requestId: 'req_1',
    method: 'POST',
    path: '/v1/charges',
    body: 'amount=100',
    vendorObjectId: null,
    ...over,
  };
}

export function sampleAudit(over: Partial<AuditEntry> = {}): AuditEntry {
  return {
    id: 0,
    atMs: AT_MS,
    requestId: 'req_1',
    keyId: null,
    runLabel: null,
    agentRunId: null,
    runId: null,
    ref: null,
    attempt: 0,
    vendor: 'stripe',
    operation: 'charges.create',
    method: 'POST',
    path: '/v1/charges',
    verdict: 'allowed',
    reason: null,
    vendorStatus: 200,
    vendorRequestId: null,
    vendorObjectId: null,
    replayed: false,
    estimateMicros: 0,
    costMicros: 0,
    currency: 'usd',
    amountMinor: 0,
    capUsageMicros: 0,
    customerScopeId: null,
    proxyMs: 1,
    vendorMs: 20,
    ...over,
  };
}

/** A noun as plain data to compare: each payload as its text. */
export function plain(noun: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(noun).map(([name, value]) => [name, value instanceof Json ? { json: value.text } : value]),
  );
}

// ---- arbitrary values

/** Any text: every plane of Unicode, quotes, control characters, NUL, half surrogate pairs. */
const nasty = fc.string({
  unit: fc.constantFrom('\0', '\u0001', "'", '"', '\\', '\\u0000', '\ud800', '\udc00', '😀', 'é'),
});
export const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), nasty);
const textOrNull = fc.option(anyText);
const count = fc.oneof(fc.constant(0), fc.nat(), fc.maxSafeInteger().map(Math.abs));

const deep = fc.integer({ min: 900, max: 2000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth));
const long = fc.integer({ min: 1000, max: 70_000 }).map((length) => JSON.stringify({ text: 'é'.repeat(length) }));
const exact = fc.constantFrom(
  '123456789012345678901234567890',
  '1e400',
  '-0.0',
  ' {"a" : 1,\n"a":2} ',
  '"\\u0000\\ud800"',
);
export const anyJson = fc
  .oneof({ weight: 6, arbitrary: fc.json() }, { weight: 1, arbitrary: deep }, { weight: 1, arbitrary: long }, exact)
  .map(Json.text);

const anyParent = fc.record({
  runId: anyText,
  taskId: anyText,
  runRowId: count,
  taskRowId: count,
  notify: fc.boolean(),
});

/** Every field of a run but its keys. */
export const anyRun = fc.record({
  rootId: anyText,
  snapshotId: anyText,
  name: anyText,
  version: fc.nat(),
  correlationId: textOrNull,
  priority: fc.nat(99),
  taskToDomain: fc.dictionary(anyText, anyText, { noNullPrototype: true }),
  createdBy: textOrNull,
  agentGrants: fc.option(fc.array(anyText), { nil: undefined }),
  event: fc.option(anyText, { nil: undefined }),
  payers: fc.option(fc.dictionary(anyText, anyText, { noNullPrototype: true }), { nil: undefined }),
  parent: fc.option(anyParent),
  idempotencyKey: textOrNull,
  input: anyJson,
  createdMs: count,
  status: fc.constantFrom(...RUN_STATUSES),
  output: anyJson,
  variables: anyJson,
  reason: textOrNull,
  failedRefs: fc.array(anyText),
  failedNames: fc.array(anyText),
  updatedMs: count,
  endedMs: count,
  lastRetriedMs: count,
  dueMs: count,
  lastSeq: count,
  openTasks: count,
  sequenceDone: fc.boolean(),
} satisfies { [Field in Exclude<keyof Run, 'rowId' | 'id'>]: fc.Arbitrary<Run[Field]> });

/** Every field of a task but its keys. */
export const anyTask = fc.record({
  ref: anyText,
  step: anyText,
  scope: anyText,
  iteration: count,
  type: anyText,
  defName: anyText,
  queue: textOrNull,
  domain: textOrNull,
  seq: count,
  attempt: count,
  retriedTaskId: textOrNull,
  input: anyJson,
  givenInput: fc.constantFrom(true, undefined),
  fragment: fc.option(anyJson),
  forkRowId: count,
  responseTimeoutSeconds: count,
  startDelaySeconds: count,
  scheduledMs: count,
  firstScheduledMs: count,
  status: fc.constantFrom(...TASK_STATUSES),
  output: anyJson,
  reason: textOrNull,
  workerId: textOrNull,
  pollCount: count,
  callbackAfterSeconds: count,
  startedMs: count,
  endedMs: count,
  updatedMs: count,
  visibleMs: count,
  dueMs: count,
  retried: fc.boolean(),
  executed: fc.boolean(),
  waiting: count,
  subRunId: textOrNull,
} satisfies { [Field in Exclude<keyof Task, 'rowId' | 'id' | 'runRowId'>]: fc.Arbitrary<Task[Field]> });
