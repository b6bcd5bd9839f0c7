// Ends, restarts and suspends replicas at moments that a seed decides. At any time at most one is down and one suspended.
import { below, type Random } from '../../../src/engine/testing/random.ts';
import type { Cluster } from './cluster.ts';

export interface ChaosOptions {
  readonly cluster: Cluster;
  readonly random: Random;
  readonly killsMin: number;
  /** Kills go on until this says so, and until there have been enough. */
  readonly isOver: () => boolean;
}

const GAP_MS_MAX = 4_000;
const DOWN_MS_MAX = 1_500;
/** A round and its answers take less. */
const ROUND_MS_MAX = 12;
/** Towards the end nobody may have anything to report. */
const AT_WORK_MS_MAX = 2_000;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export class Chaos {
  readonly #options: ChaosOptions;
  #down: number | null = null;
  #suspended: number | null = null;
  kills = 0;
  suspensions = 0;
  /** Replicas that were suspended: they alone may find their connections cut. */
  readonly wereSuspended = new Set<number>();

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  async kill(): Promise<void> {
    const { cluster, random, killsMin, isOver } = this.#options;
    while (this.kills < killsMin || !isOver()) {
      await pause(below(random, GAP_MS_MAX));
      const victim = this.#choose(this.#suspended);
      this.#down = victim;
      await this.#untilAtWork(victim);
      await cluster.replica(victim).kill();
      this.kills += 1;
      await pause(below(random, DOWN_MS_MAX));
      await cluster.replica(victim).start();
      this.#down = null;
    }
  }

  async suspend(forMs: number): Promise<void> {
    const { cluster, random } = this.#options;
    await pause(below(random, GAP_MS_MAX));
    const victim = this.#choose(this.#down);
    this.#suspended = victim;
    this.wereSuspended.add(victim);
    cluster.replica(victim).suspend();
    await pause(forMs);
    cluster.replica(victim).resume();
    this.#suspended = null;
    this.suspensions += 1;
  }

  /** A report has just been sent to it: its round is about to begin, under way or committed, or its hand-outs are sent. */
  async #untilAtWork(victim: number): Promise<void> {
    const { cluster, random } = this.#options;
    await Promise.race([cluster.nextReport(victim), pause(AT_WORK_MS_MAX)]);
    await pause(below(random, ROUND_MS_MAX));
  }

  #choose(except: number | null): number {
    const { cluster, random } = this.#options;
    const others = cluster.replicas.map((_, number) => number).filter((number) => number !== except);
    return others[below(random, others.length)] ?? 0;
  }
}
