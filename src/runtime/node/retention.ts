// The retention loop: removes what has passed its age in small batches, with a pause after each so that work comes first.
// Any number of replicas may do so at once. Must never keep the process alive, and never end with an error.
import type { Clock } from '../../orchestrator/ports.ts';
import type { PruneAges, Store } from '../../store/port.ts';
import type { ServerLog } from '../log.ts';

export interface RetentionOptions {
  readonly store: Pick<Store, 'prune' | 'shared'>;
  readonly clock: Clock;
  /** 0: for ever. */
  readonly keepRunsMs: number;
  readonly keepAuditMs: number;
  readonly log: ServerLog;
  readonly pace?: RetentionPace;
}

export interface RetentionPace {
  /** A start has other things to do; also after a failure. */
  readonly firstMs: number;
  readonly everyMs: number;
  /** After a full batch. */
  readonly pauseMs: number;
}

export interface Retention {
  /** Resolves when the batch under way is through; none follows. */
  stop(): Promise<void>;
}

const PACE: RetentionPace = { firstMs: 60_000, everyMs: 600_000, pauseMs: 50 };
/** A few milliseconds of the database's time. */
const BATCH = 200;

/** Does nothing when everything is kept for ever, but for a shared store: that clears away what dead processes left, too. */
export function startRetention(options: RetentionOptions): Retention {
  const { clock, keepAuditMs, keepRunsMs, log, pace = PACE, store } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let working: Promise<void> = Promise.resolve();
  let stopped = keepRunsMs === 0 && keepAuditMs === 0 && store.shared === null;
  let removed = 0;

  const after = (delayMs: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      working = batch().then(after);
    }, delayMs);
    timer.unref();
  };

  /** Resolves with the time until the next one. */
  const batch = async (): Promise<number> => {
    try {
      const gone = await store.prune(agesAt(clock.now(), keepRunsMs, keepAuditMs), BATCH);
      removed += gone;
      if (gone >= BATCH) return pace.pauseMs;
      if (removed > 0) log.info('removed what has passed its age', { rows: removed });
      removed = 0;
      return pace.everyMs;
    } catch (error) {
      log.error('what has passed its age could not be removed; it is tried again', { error });
      return pace.firstMs;
    }
  };

  after(pace.firstMs);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
}

function agesAt(now: number, keepRunsMs: number, keepAuditMs: number): PruneAges {
  return {
    runsEndedBeforeMs: keepRunsMs > 0 ? now - keepRunsMs : 0,
    auditBeforeMs: keepAuditMs > 0 ? now - keepAuditMs : 0,
  };
}
