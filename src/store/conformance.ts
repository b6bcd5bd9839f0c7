// What every store adapter must do, as one suite. An adapter's own test calls `storeConformance` and adds only what
// is peculiar to its database. Rows are told apart by fresh keys, so that the tests of a suite share one store.
import { afterAll, beforeAll, describe } from 'vitest';
import { durabilityConformance } from './conformance-durability.ts';
import { executionConformance } from './conformance-executions.ts';
import { recordConformance } from './conformance-records.ts';
import { scheduleConformance } from './conformance-schedules.ts';
import { taskSearchConformance } from './conformance-task-search.ts';
import { vaultConformance } from './conformance-vault.ts';
import type { Store } from './port.ts';

export interface OpenStore {
  readonly store: Store;
  /** Closes the store and opens the same data again. */
  reopen(): Promise<Store>;
  /** Closes whatever is open and removes the data. */
  dispose(): Promise<void>;
}

/** `open` gives an empty store. */
export function storeConformance(name: string, open: () => Promise<OpenStore>): void {
  describe(`${name} store`, () => {
    sharing('executions', open, executionConformance);
    sharing('searches of tasks', open, taskSearchConformance);
    sharing('records', open, recordConformance);
    sharing('schedules', open, scheduleConformance);
    sharing('vault', open, vaultConformance);
    durabilityConformance(open);
  });
}

function sharing(title: string, open: () => Promise<OpenStore>, suite: (store: () => Store) => void): void {
  describe(title, () => {
    let opened: OpenStore;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.dispose());
    suite(() => opened.store);
  });
}
