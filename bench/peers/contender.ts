// What is measured: a peer, or us, behind one face. Each is opened on a folder of its own and closed by the bench.
import type { Kept } from './processes.ts';

export interface Contender {
  /** One run, or one proxied call, from its start to its durable end, with its answer checked. */
  once(): Promise<void>;
  /** How many the contender itself says it completed, from its own records. */
  completed(): Promise<number>;
  /** What makes its commits durable, as read from the running system. */
  durability(): Promise<string>;
  close(): Promise<void>;
}

export interface Site {
  /** Empty, and on the same disk as everybody else's. */
  readonly folder: string;
  /** A database of its own on the Postgres server of this bench. Throws when there is no server. */
  database(name: string): Promise<PeerDatabase>;
  /** Stopped when the contender is done, last one first, also when it never opened. */
  keep(process: Kept): Kept;
}

export interface PeerDatabase {
  readonly url: string;
  count(query: string): Promise<number>;
  /** fsync, synchronous_commit and the flushes of the log so far; throws when commits would not be durable. */
  durability(): Promise<string>;
}

export type Work = 'runs' | 'calls';

export interface Entry {
  readonly name: string;
  readonly title: string;
  /** Us on one of our stores, and not a peer. */
  readonly ours: boolean;
  readonly work: Work;
  /** The ratio that we aim at; null for us, and for a peer that is here as a reference. */
  readonly aim: number | null;
  open(site: Site): Promise<Contender>;
}
