// One kind of work from installs to counts: opens everybody who takes part, gives them turns, holds their answers against
// their own records, and ends every process. One that fails costs its own line and nobody else's.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Entry, Site } from './contender.ts';
import { type Measured, median, reason, type Turns, takeTurns } from './measure.ts';
import type { PostgresServer } from './postgres.ts';
import type { Kept } from './processes.ts';

export interface Line {
  readonly name: string;
  readonly title: string;
  readonly ours: boolean;
  readonly work: Entry['work'];
  readonly aim: number | null;
  /** The median of the rounds; null when there is no result to believe. */
  readonly perSecond: number | null;
  readonly rounds: readonly number[];
  /** Counted by the contender itself, the warm-up included. */
  readonly completed: number | null;
  readonly durability: string | null;
  readonly failure: string | null;
}

interface Opened extends Measured {
  readonly entry: Entry;
  readonly kept: readonly Kept[];
}

export type PostgresSource = () => Promise<PostgresServer>;
export type Say = (text: string) => void;

export async function measureField(
  entries: readonly Entry[],
  folder: string,
  postgres: PostgresSource,
  turns: Turns,
  say: Say,
): Promise<Line[]> {
  const opened: Opened[] = [];
  const lines = new Map<Entry, Line>();
  try {
    for (const entry of entries) {
      const result = await open(entry, join(folder, `${entry.work}-${entry.name}`), postgres);
      if (typeof result === 'string') lines.set(entry, lineOf(entry, { failure: result }));
      else opened.push(result);
      say(`${entry.title}: ${typeof result === 'string' ? result : 'up'}`);
    }
    await takeTurns(opened, turns);
    for (const one of opened) lines.set(one.entry, await verdict(one));
  } finally {
    for (const { contender, kept } of opened) await closeAll(contender, kept);
  }
  return entries.flatMap((entry) => lines.get(entry) ?? []);
}

async function open(entry: Entry, folder: string, postgres: PostgresSource): Promise<Opened | string> {
  const kept: Kept[] = [];
  const site: Site = {
    folder,
    database: async (name) => (await postgres()).database(name),
    keep: (process) => {
      kept.push(process);
      return process;
    },
  };
  try {
    mkdirSync(folder, { recursive: true });
    return { entry, kept, contender: await entry.open(site), rates: [], answered: 0, failure: null };
  } catch (error) {
    await closeAll(null, kept);
    return reason(error);
  }
}

/** The line of one that was measured. A count that is not what was answered is a failure, whatever the rate. */
async function verdict({ entry, contender, kept, rates, answered, failure }: Opened): Promise<Line> {
  const rounds = rates.map(Math.round);
  if (failure !== null) {
    const epitaphs = kept.flatMap(({ epitaph }) => epitaph ?? []);
    return lineOf(entry, { rounds, failure: [failure, ...epitaphs].join('; ') });
  }
  try {
    const completed = await contender.completed();
    const durability = await contender.durability();
    if (completed !== answered) throw new Error(`answered ${answered}, but its own records say ${completed}`);
    return lineOf(entry, { rounds, completed, durability, perSecond: Math.round(median(rates)) });
  } catch (error) {
    return lineOf(entry, { rounds, failure: reason(error) });
  }
}

function lineOf({ name, title, ours, work, aim }: Entry, result: Partial<Line>): Line {
  const nothing = { perSecond: null, rounds: [], completed: null, durability: null, failure: null };
  return { name, title, ours, work, aim, ...nothing, ...result };
}

async function closeAll(contender: Contender | null, kept: readonly Kept[]): Promise<void> {
  await contender?.close().catch(() => undefined);
  for (const process of kept.toReversed()) await process.stop();
}
