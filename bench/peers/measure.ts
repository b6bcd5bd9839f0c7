// Rates in slices: everybody is up, one at a time is under load, and the turns go round, so that a slow minute of the
// machine hits all alike. A contender that fails is marked and left out of the rounds to come.
import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './contender.ts';
import { AT_ONCE } from './post.ts';

export interface Measured {
  readonly contender: Contender;
  /** Per second, one for each round. */
  readonly rates: number[];
  /** All that was answered, the warm-up included. */
  answered: number;
  failure: string | null;
}

export interface Turns {
  readonly rounds: number;
  readonly sliceMs: number;
  readonly warmUpMs: number;
}

const UNDER_WAY_MS = 500;
/** How long the last open runs may take before we call the contender stuck. */
const GRACE_MS = 40_000;

export async function takeTurns(field: readonly Measured[], { rounds, sliceMs, warmUpMs }: Turns): Promise<void> {
  for (const measured of field) await attempt(measured, () => slice(measured, warmUpMs));
  for (let round = 0; round < rounds; round += 1) {
    for (const measured of field) {
      await attempt(measured, async () => {
        measured.rates.push(await slice(measured, sliceMs));
      });
    }
  }
}

export function median(rates: readonly number[]): number {
  const sorted = [...rates].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (upper + lower) / 2;
}

export async function attempt(measured: Measured, work: () => Promise<unknown>): Promise<void> {
  if (measured.failure !== null) return;
  try {
    await work();
  } catch (error) {
    measured.failure = reason(error);
  }
}

export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * AT_ONCE lanes, each with one run open all the time: how many end per second between the moment when all lanes are well
 * under way and the last start. What is still open then is waited for, and counted as answered, but not in the rate.
 */
async function slice(measured: Measured, lengthMs: number): Promise<number> {
  let open = true;
  const lane = async () => {
    while (open) {
      await measured.contender.once();
      measured.answered += 1;
    }
  };
  const lanes = Promise.all(Array.from({ length: AT_ONCE }, lane));
  const impatience = new AbortController();
  try {
    const rate = await Promise.race([rateOf(measured, lengthMs, impatience.signal), failureOf(lanes)]);
    open = false;
    await Promise.race([lanes, stuckAfter(GRACE_MS, impatience.signal)]);
    return rate;
  } finally {
    open = false;
    impatience.abort();
  }
}

async function rateOf(measured: Measured, lengthMs: number, signal: AbortSignal): Promise<number> {
  await delay(UNDER_WAY_MS, undefined, { signal });
  const [from, startedAt] = [measured.answered, performance.now()];
  await delay(lengthMs, undefined, { signal });
  return ((measured.answered - from) * 1000) / (performance.now() - startedAt);
}

/** Lanes end by themselves only when they fail. */
async function failureOf(lanes: Promise<unknown>): Promise<never> {
  await lanes;
  throw new Error('the load ended early');
}

async function stuckAfter(graceMs: number, signal: AbortSignal): Promise<never> {
  await delay(graceMs, undefined, { signal });
  throw new Error('stuck: runs did not end');
}
