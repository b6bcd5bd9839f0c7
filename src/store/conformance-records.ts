// Conformance: definitions, keys of callers, logs, polls, and who read what.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiKeyRecord } from '../model/api-key.ts';
import { eventHandlerSchema } from '../model/event-handler.ts';
import { adHocTaskDefinition } from '../model/task-definition.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { anyJson, anyText, commit, fresh } from './conformance-samples.ts';
import type { Store } from './port.ts';

export function recordConformance(store: () => Store): void {
  describe('definitions', () => definitions(store));
  describe('records', () => records(store));
}

const workflow = (name: string, version: number, description = '') =>
  workflowDefinitionSchema.parse({
    name,
    version,
    description,
    tasks: [{ name: 'charge', taskReferenceName: 'charge_ref', inputParameters: { quote: `"'\\ \0 ${description}` } }],
  });

function definitions(store: () => Store): void {
  it('keeps every version of a definition, replaces one that is written again, and removes one', async () => {
    const name = `defined-${fresh()}`;
    const found = async () => (await store().reads.definitions()).filter((definition) => definition.name === name);
    await commit(store(), { definitions: [workflow(name, 2), workflow(name, 10), workflow(name, 1)] });
    await commit(store(), { definitions: [workflow(name, 2, 'changed')] });
    expect(await found()).toEqual([workflow(name, 1), workflow(name, 2, 'changed'), workflow(name, 10)]);
    await commit(store(), { removedDefinitions: [{ name, version: 2 }] });
    expect(await found()).toEqual([workflow(name, 1), workflow(name, 10)]);
  });

  it('keeps task definitions by name', async () => {
    const [one, two] = [adHocTaskDefinition(`a-${fresh()}`), adHocTaskDefinition(`b-${fresh()}`)];
    const found = async () =>
      (await store().reads.taskDefinitions()).filter(({ name }) => name === one.name || name === two.name);
    await commit(store(), { taskDefinitions: [two, one] });
    await commit(store(), { taskDefinitions: [{ ...one, retryCount: 9 }] });
    expect(await found()).toEqual([{ ...one, retryCount: 9 }, two]);
    await commit(store(), { removedTaskDefinitions: [one.name] });
    expect(await found()).toEqual([two]);
  });

  it('keeps event handlers by name', async () => {
    const handler = (name: string) =>
      eventHandlerSchema.parse({
        ...{ name, event: 'conductor:a:b', condition: `$.x === "'\\ \0"` },
        actions: [{ action: 'start_workflow', start_workflow: { name: 'c', input: { x: '${x}' } } }],
      });
    const [one, two] = [handler(`a-${fresh()}`), handler(`b-${fresh()}`)];
    const found = async () =>
      (await store().reads.eventHandlers()).filter(({ name }) => name === one.name || name === two.name);
    await commit(store(), { eventHandlers: [two, one] });
    await commit(store(), { eventHandlers: [{ ...one, active: true }] });
    expect(await found()).toEqual([{ ...one, active: true }, two]);
    await commit(store(), { removedEventHandlers: [one.name] });
    expect(await found()).toEqual([two]);
  });

  it('keeps a snapshot once, however often it is written', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyJson, async (text, document) => {
        const snapshot = { id: `${fresh()} ${text}`, document };
        await commit(store(), { snapshots: [snapshot] });
        await commit(store(), { snapshots: [snapshot] });
        const found = await store().reads.snapshot(snapshot.id);
        expect([found?.id, found?.document.text]).toEqual([snapshot.id, document.text]);
      }),
      { numRuns: 30 },
    );
  });
}

function records(store: () => Store): void {
  it('keeps API keys, replaced by id', async () => {
    const key: ApiKeyRecord = {
      id: `key_${fresh()}`,
      name: 'worker "one"',
      hash: 'ab'.repeat(32),
      permissions: ['task:*:poll'],
      createdMs: 1,
      expiresMs: 0,
      revokedMs: 0,
      rotatedFrom: null,
    };
    await commit(store(), { apiKeys: [key, { ...key, id: `${key.id}x` }] });
    await commit(store(), { apiKeys: [{ ...key, revokedMs: 5 }] });
    const found = (await store().reads.apiKeys()).filter(({ id }) => id.startsWith(key.id));
    expect(found).toEqual([
      { ...key, revokedMs: 5 },
      { ...key, id: `${key.id}x` },
    ]);
  });

  it('keeps log lines of a task in the order they came, whatever they hold', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyText), async (texts) => {
        const taskId = `logged-${fresh()}`;
        const lines = texts.map((log, i) => ({ taskId, log, createdMs: 1000 - i }));
        await commit(store(), { logs: [...lines, { taskId: 'another', log: 'x', createdMs: 1 }] });
        expect(await store().reads.logs([taskId])).toEqual(lines);
      }),
      { numRuns: 30 },
    );
  });

  it('keeps the last poll of each worker, queue and domain', async () => {
    const queueName = `polled-${fresh()}`;
    const poll = (workerId: string, lastPollMs: number, domain = '') => ({ queueName, domain, workerId, lastPollMs });
    await commit(store(), { polls: [poll('b', 1), poll('a', 1), poll('a', 1, 'eu')] });
    await commit(store(), { polls: [poll('a', 2)] });
    const found = (await store().reads.polls(0)).filter((record) => record.queueName === queueName);
    expect(found).toEqual([poll('a', 2), poll('b', 1), poll('a', 1, 'eu')]);
  });

  it('keeps who looked at a history, in order', async () => {
    const runId = `looked-at-${fresh()}`;
    const look = (atMs: number) => ({ atMs, principal: 'key_1', runId, route: 'GET /api/workflow/:id' });
    await commit(store(), { historyReads: [look(2), { ...look(3), runId: 'another' }] });
    await commit(store(), { historyReads: [look(1)] });
    expect(await store().reads.historyReads(runId)).toEqual([look(2), look(1)]);
  });

  it('answers a ping', async () => {
    await expect(store().reads.ping()).resolves.toBeUndefined();
  });
}
