// What the main thread and the database threads say to each other. Plain data only: it is copied between threads.
import type { Row, SqlValue } from './driver.ts';

/** One statement, run once per row of bound values. */
export interface Write {
  readonly sql: string;
  /** How many values a row has. */
  readonly width: number;
  /** Row after row in one list: a list of lists costs twice as much to copy. */
  readonly values: readonly SqlValue[];
}

export interface Query {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

export type ThreadRole = 'writer' | 'reader';

export type Command =
  /** First of all. The writer also takes the file's lock and migrates. */
  | { readonly kind: 'open'; readonly role: ThreadRole; readonly path: string }
  /** All writes in one transaction. `behind`: the request of a commit that must not have failed, or 0. */
  | { readonly kind: 'commit'; readonly writes: readonly Write[]; readonly behind: number }
  /** All queries over one snapshot; answers one list of rows for each. */
  | { readonly kind: 'query'; readonly queries: readonly Query[] }
  | { readonly kind: 'checkpoint' }
  /** Ends the thread after its answer. */
  | { readonly kind: 'close' };

/** Request ids ascend in the order of sending, from 1. */
export type Request = Command & { readonly requestId: number };
export type CommitRequest = Extract<Request, { readonly kind: 'commit' }>;

export type Answer =
  | { readonly requestId: number; readonly ok: true; readonly results: readonly (readonly Row[])[] }
  | { readonly requestId: number; readonly ok: false; readonly message: string };
