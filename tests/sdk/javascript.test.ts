// The official JavaScript SDK against a real server, unchanged: what its users do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ConductorWorker,
  createConductorClient,
  EventClient,
  eventTask,
  MetadataClient,
  NonRetryableException,
  noopLogger,
  TaskClient,
  TaskManager,
  TaskResultStatusEnum,
  WorkflowExecutor,
} from '@io-orkes/conductor-javascript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../src/runtime/node/start-server.ts';

let server: RunningServer;
let dataDir: string;
let client: Awaited<ReturnType<typeof createConductorClient>>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conductor-sdk-'));
  server = await startServer({ dataDir, port: 0, production: false });
  const { record, key } = await server.access.generateKey({ name: 'sdk', permissions: ['*'], expiresMs: 0 });
  client = await createConductorClient({ serverUrl: `${server.url}/api`, keyId: record.id, keySecret: key }, fetch);
});

afterAll(async () => {
  await server.close();
  await rm(dataDir, { recursive: true, force: true });
});

const simple = (name: string, inputParameters = {}) => ({
  name,
  taskReferenceName: name,
  type: 'SIMPLE' as const,
  inputParameters,
});

async function withWorkers<T>(workers: ConductorWorker[], work: () => Promise<T>): Promise<T> {
  const manager = new TaskManager(client, workers, {
    logger: noopLogger,
    options: { pollInterval: 10, concurrency: 5 },
  });
  manager.startPolling();
  try {
    return await work();
  } finally {
    await manager.stopPolling();
  }
}

async function ended(id: string) {
  const executor = new WorkflowExecutor(client);
  for (;;) {
    const run = await executor.getWorkflow(id, true);
    if (run.status !== 'RUNNING') return run;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test('TaskManager with 3 workers completes 50 runs of 5 tasks', async () => {
  const names = ['sdk_one', 'sdk_two', 'sdk_three'];
  const order = ['sdk_one', 'sdk_two', 'sdk_three', 'sdk_one', 'sdk_two'];
  const metadata = new MetadataClient(client);
  for (const name of names) await metadata.registerTask({ name, retryCount: 0, timeoutSeconds: 0 });
  await metadata.registerWorkflowDef(
    {
      name: 'sdk_five',
      version: 1,
      schemaVersion: 2,
      timeoutSeconds: 0,
      inputParameters: [],
      outputParameters: { total: '${step_4.output.n}' },
      tasks: order.map((name, i) => ({
        ...simple(name, { n: i === 0 ? '${workflow.input.n}' : `\${step_${i - 1}.output.n}` }),
        taskReferenceName: `step_${i}`,
      })),
    },
    true,
  );
  const executed: string[] = [];
  const workers = names.map((taskDefName) => ({
    taskDefName,
    execute: async (task: { taskId?: string; inputData?: { n?: number } }) => {
      executed.push(String(task.taskId));
      return { status: 'COMPLETED' as const, outputData: { n: Number(task.inputData?.n) + 1 } };
    },
  }));
  await withWorkers(workers, async () => {
    const executor = new WorkflowExecutor(client);
    const ids = await Promise.all(
      Array.from({ length: 50 }, (_, n) => executor.startWorkflow({ name: 'sdk_five', version: 1, input: { n } })),
    );
    const runs = await Promise.all(ids.map(ended));
    expect(runs.map((run) => run.status)).toEqual(runs.map(() => 'COMPLETED'));
    expect(runs.map((run) => run.output?.total)).toEqual(runs.map((_, n) => n + 5));
  });
  expect(executed).toHaveLength(250);
  expect(new Set(executed).size).toBe(250);
});

test('K12: NonRetryableException becomes FAILED_WITH_TERMINAL_ERROR, and its reason is kept', async () => {
  const metadata = new MetadataClient(client);
  await metadata.registerTask({ name: 'sdk_terminal', retryCount: 3, retryDelaySeconds: 0, timeoutSeconds: 0 });
  await metadata.registerWorkflowDef(
    { name: 'sdk_terminal_flow', version: 1, timeoutSeconds: 0, tasks: [simple('sdk_terminal')] },
    true,
  );
  let attempts = 0;
  const worker = {
    taskDefName: 'sdk_terminal',
    execute: async () => {
      attempts += 1;
      throw new NonRetryableException('Vendor spend cap exhausted');
    },
  };
  await withWorkers([worker], async () => {
    const run = await ended(await new WorkflowExecutor(client).startWorkflow({ name: 'sdk_terminal_flow', input: {} }));
    expect(run.status).toBe('FAILED');
    expect(run.tasks?.[0]?.status).toBe('FAILED_WITH_TERMINAL_ERROR');
    expect(run.tasks?.[0]?.reasonForIncompletion).toContain('Vendor spend cap exhausted');
  });
  expect(attempts).toBe(1);
});

test('K6: retryCount 3 gives at most four attempts of a failing task', async () => {
  const metadata = new MetadataClient(client);
  await metadata.registerTask({ name: 'sdk_failing', retryCount: 3, retryDelaySeconds: 0, timeoutSeconds: 0 });
  await metadata.registerWorkflowDef(
    { name: 'sdk_failing_flow', version: 1, timeoutSeconds: 0, tasks: [simple('sdk_failing')] },
    true,
  );
  let attempts = 0;
  const worker = {
    taskDefName: 'sdk_failing',
    execute: async () => {
      attempts += 1;
      throw new Error('not today');
    },
  };
  await withWorkers([worker], async () => {
    const run = await ended(await new WorkflowExecutor(client).startWorkflow({ name: 'sdk_failing_flow', input: {} }));
    expect(run.status).toBe('FAILED');
    expect(run.tasks?.map((task) => task.retryCount)).toEqual([0, 1, 2, 3]);
  });
  expect(attempts).toBe(4);
});

test('lease extension keeps a task alive longer than its response timeout', async () => {
  const metadata = new MetadataClient(client);
  await metadata.registerTask({ name: 'sdk_long', retryCount: 0, responseTimeoutSeconds: 2, timeoutSeconds: 0 });
  await metadata.registerWorkflowDef(
    { name: 'sdk_long_flow', version: 1, timeoutSeconds: 0, tasks: [simple('sdk_long')] },
    true,
  );
  const worker = {
    taskDefName: 'sdk_long',
    leaseExtendEnabled: true,
    execute: async () => {
      await new Promise((resolve) => setTimeout(resolve, 4_500));
      return { status: 'COMPLETED' as const, outputData: { slept: true } };
    },
  };
  await withWorkers([worker], async () => {
    const run = await ended(await new WorkflowExecutor(client).startWorkflow({ name: 'sdk_long_flow', input: {} }));
    expect(run.status).toBe('COMPLETED');
    expect(run.tasks).toHaveLength(1);
  });
});

test('terminate, pause, resume and status through the SDK', async () => {
  await new MetadataClient(client).registerWorkflowDef(
    { name: 'sdk_control', version: 1, timeoutSeconds: 0, tasks: [simple('sdk_nobody')] },
    true,
  );
  const executor = new WorkflowExecutor(client);
  const id = await executor.startWorkflow({ name: 'sdk_control', input: {}, correlationId: 'c-1' });
  await executor.pause(id);
  expect((await executor.getWorkflow(id, false)).status).toBe('PAUSED');
  await executor.resume(id);
  await executor.terminate(id, 'seen enough');
  const status = await executor.getWorkflowStatus(id, true, true);
  expect(status.status).toBe('TERMINATED');
  expect((await executor.getWorkflow(id, true)).reasonForIncompletion).toBe('seen enough');
});

test('a wrong key secret gets no token, and without a token nothing is answered', async () => {
  const wrong = await fetch(`${server.url}/api/token`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ keyId: 'key_nope', keySecret: 'nope' }),
  });
  expect(wrong.status).toBe(401);
  expect(await wrong.json()).not.toHaveProperty('token');
  expect((await fetch(`${server.url}/api/tasks/poll/batch/sdk_one`)).status).toBe(401);
});

test('an execution is waited for, signalled and retried', async () => {
  const metadata = new MetadataClient(client);
  await metadata.registerTask({ name: 'sdk_shaky', retryCount: 0, timeoutSeconds: 0 });
  const wait = { name: 'sdk_wait', taskReferenceName: 'sdk_wait', type: 'WAIT' as const, inputParameters: {} };
  const tasks = [wait, simple('sdk_shaky')];
  await metadata.registerWorkflowDef({ name: 'sdk_waiting', version: 1, timeoutSeconds: 0, tasks }, true);
  let isBroken = true;
  const worker = {
    taskDefName: 'sdk_shaky',
    execute: async () => {
      if (isBroken) throw new NonRetryableException('not yet');
      return { status: 'COMPLETED' as const, outputData: { fine: true } };
    },
  };
  await withWorkers([worker], async () => {
    const executor = new WorkflowExecutor(client);
    const waiting = await executor.executeWorkflow({ name: 'sdk_waiting', input: {} }, 'sdk_waiting', 1, 'r-1');
    expect(waiting).toMatchObject({ status: 'RUNNING', requestId: 'r-1', tasks: [{ referenceTaskName: 'sdk_wait' }] });
    const id = String(waiting.workflowId);
    expect(await executor.signal(id, TaskResultStatusEnum.COMPLETED, { ok: 1 })).toMatchObject({
      targetWorkflowId: id,
      status: 'FAILED',
    });
    isBroken = false;
    await executor.retry(id, false);
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', output: { fine: true } });
  });
});

test('an execution is rerun from a task, restarted, and a task of it skipped', async () => {
  const metadata = new MetadataClient(client);
  const names = ['sdk_first', 'sdk_second', 'sdk_third'];
  await metadata.registerWorkflowDef(
    { name: 'sdk_again', version: 1, timeoutSeconds: 0, tasks: names.map((name) => simple(name)) },
    true,
  );
  let calls = 0;
  const workers = names.map((taskDefName) => ({
    taskDefName,
    execute: async () => ({ status: 'COMPLETED' as const, outputData: { call: ++calls } }),
  }));
  const executor = new WorkflowExecutor(client);
  const skipped = await executor.startWorkflow({ name: 'sdk_again', input: {} });
  await executor.skipTasksFromWorkflow(skipped, 'sdk_third', { taskOutput: { call: 'none' } });
  await withWorkers(workers, async () => {
    expect(await ended(skipped)).toMatchObject({
      status: 'COMPLETED',
      tasks: [{}, { status: 'SKIPPED', outputData: { call: 'none' } }, { referenceTaskName: 'sdk_second' }],
    });
    const id = await executor.startWorkflow({ name: 'sdk_again', input: {} });
    const first = await ended(id);
    expect(calls).toBe(5);
    const from = first.tasks?.[1]?.taskId;
    expect(await executor.reRun(id, { reRunFromTaskId: String(from) })).toBe(id);
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', tasks: [first.tasks?.[0] ?? {}, {}, {}] });
    expect(calls).toBe(7);
    await executor.goBackToTask(id, ({ referenceTaskName }) => referenceTaskName === 'sdk_third');
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', output: { call: 8 } });
    await executor.restart(id, true);
    expect(await ended(id)).toMatchObject({ status: 'COMPLETED', output: { call: 11 } });
  });
});

test('a workflow is tried out without workers', async () => {
  const workflowDef = {
    name: 'sdk_tried',
    version: 1,
    timeoutSeconds: 0,
    tasks: [simple('sdk_one'), simple('sdk_two')],
  };
  const tried = await new WorkflowExecutor(client).testWorkflow({
    name: 'sdk_tried',
    workflowDef,
    taskRefToMockOutput: {
      sdk_one: [{ status: 'COMPLETED', output: { n: 1 } }],
      sdk_two: [{ status: 'FAILED_WITH_TERMINAL_ERROR', output: {} }],
    },
  });
  expect(tried).toMatchObject({
    status: 'FAILED',
    tasks: [{ outputData: { n: 1 } }, { referenceTaskName: 'sdk_two' }],
  });
});

test('search finds executions by query and free text, and says what is wrong with a query', async () => {
  const metadata = new MetadataClient(client);
  const executor = new WorkflowExecutor(client);
  const name = 'sdk_sought';
  await metadata.registerWorkflowDef({ name, version: 1, timeoutSeconds: 0, tasks: [simple('sdk_never')] }, true);
  const [first, second] = await Promise.all(
    ['one', 'two'].map((correlationId) => executor.startWorkflow({ name, version: 1, correlationId, input: {} })),
  );
  const found = await executor.search(0, 10, `workflowType=${name} AND status IN (RUNNING)`, '*');
  expect(found.totalHits).toBe(2);
  expect(found.results?.map(({ workflowId }) => workflowId).sort()).toEqual([first, second].sort());
  const one = await executor.search(0, 10, '', 'one', 'startTime:DESC');
  expect(one.results).toMatchObject([{ workflowId: first, workflowType: name, status: 'RUNNING' }]);
  await expect(executor.search(0, 10, 'stattus=RUNNING', '*')).rejects.toThrow(/Failed to search workflows/);
});

test('search finds tasks by query and free text, and says what is wrong with a query', async () => {
  const metadata = new MetadataClient(client);
  const executor = new WorkflowExecutor(client);
  const tasks = new TaskClient(client);
  const name = 'sdk_task_sought';
  await metadata.registerWorkflowDef({ name, version: 1, timeoutSeconds: 0, tasks: [simple('sdk_nobodys')] }, true);
  const [first, second] = await Promise.all(
    ['three', 'four'].map((correlationId) => executor.startWorkflow({ name, version: 1, correlationId, input: {} })),
  );
  const found = await tasks.search(0, 10, undefined, '*', 'taskType=sdk_nobodys AND status IN (SCHEDULED)');
  expect(found.totalHits).toBe(2);
  expect(found.results?.map(({ workflowId }) => workflowId).sort()).toEqual([first, second].sort());
  const one = await tasks.search(0, 10, 'startTime:DESC', 'three', '');
  expect(one.results).toMatchObject([{ workflowId: first, workflowType: name, taskDefName: 'sdk_nobodys' }]);
  const [task] = one.results ?? [];
  expect(await tasks.getTask(task?.taskId ?? '')).toMatchObject({ workflowInstanceId: first, status: 'SCHEDULED' });
  await expect(tasks.search(0, 10, '', '*', 'stattus=SCHEDULED')).rejects.toThrow(/Failed to search tasks/);
});

test('an event of one workflow starts another, and completes a task that waits for it', async () => {
  const [metadata, executor, events] = [
    new MetadataClient(client),
    new WorkflowExecutor(client),
    new EventClient(client),
  ];
  const inputParameters = { waiting: '${workflow.input.waiting}' };
  const publish = eventTask('told', 'conductor', 'paid');
  await metadata.registerWorkflowDef(
    { name: 'sdk_tells', version: 1, timeoutSeconds: 0, tasks: [{ ...publish, inputParameters }] },
    true,
  );
  const wait = { name: 'w', taskReferenceName: 'w', type: 'WAIT' as const, inputParameters: {} };
  await metadata.registerWorkflowDef({ name: 'sdk_hears', version: 1, timeoutSeconds: 0, tasks: [wait] }, true);
  await events.addEventHandler({
    name: 'sdk_handler',
    event: 'conductor:sdk_tells:paid',
    active: true,
    actions: [
      { action: 'start_workflow', start_workflow: { name: 'sdk_hears', input: { from: '${workflowInstanceId}' } } },
      { action: 'complete_task', complete_task: { workflowId: '${waiting}', taskRefName: 'w' } },
    ],
  });
  expect((await events.getEventHandlersForEvent('conductor:sdk_tells:paid')).map(({ name }) => name)).toEqual([
    'sdk_handler',
  ]);
  const waiting = await executor.startWorkflow({ name: 'sdk_hears', version: 1 });
  const id = await executor.startWorkflow({ name: 'sdk_tells', version: 1, input: { waiting } });
  expect((await ended(id)).status).toBe('COMPLETED');
  expect((await ended(waiting)).status).toBe('COMPLETED');
  const { results = [] } = await executor.search(0, 10, 'workflowType=sdk_hears AND status=RUNNING', '*');
  expect(results).toMatchObject([{ event: 'conductor:sdk_tells:paid' }]);
  const inputs = results.map(async ({ workflowId = '' }) => executor.getWorkflow(workflowId, false));
  expect(await Promise.all(inputs)).toMatchObject([{ input: { from: id }, event: 'conductor:sdk_tells:paid' }]);
  const handler = await events.getEventHandlerByName('sdk_handler');
  await events.updateEventHandler({ ...handler, active: false });
  expect((await events.getAllEventHandlers()).map(({ active }) => active)).toEqual([false]);
  await events.removeEventHandler('sdk_handler');
  expect(await events.getAllEventHandlers()).toEqual([]);
});
