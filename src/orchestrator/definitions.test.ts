import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { expect, test } from 'vitest';
import { Json } from '../model/json.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { createSqliteStore } from '../store/sqlite/store.ts';
import { emptyBatch } from '../store/write-batch.ts';
import { Definitions } from './definitions.ts';

test('a run of a definition that would be refused today can still be read; a new one of it is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'conductor-definitions-'));
  const store = await createSqliteStore({ path: join(folder, 'test.db') });
  try {
    const definition = workflowDefinitionSchema.parse({
      name: 'old',
      tasks: [{ name: 'shout', taskReferenceName: 'e', type: 'EVENT' }],
    });
    const document = Json.text(JSON.stringify({ definition, taskDefinitions: {} }));
    // As freezing names it: both meet in the memory of plans.
    const id = bytesToHex(sha256(utf8ToBytes(document.text))).slice(0, 32);
    const round = await store.round();
    await round.commit({ ...emptyBatch(), snapshots: [{ id, document }] });
    const definitions = new Definitions();
    expect((await definitions.plan(id, store.reads)).head).toMatchObject({ ref: 'e', type: 'EVENT' });
    expect(() => definitions.freeze(definition)).toThrow(/EVENT needs a sink/);
  } finally {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  }
});
