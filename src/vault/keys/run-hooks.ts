// The vault's part in a run's life: its keys are issued in the transaction that starts it and revoked in the one that ends
// it, and they appear in nothing that is stored. Everything here runs inside a round: synchronous, in memory.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { compileTemplate, type Template } from '../../expressions/template.ts';
import type { Budget, VendorBudget } from '../../model/budget.ts';
import { AppError } from '../../model/error.ts';
import { isJsonObject, type JsonValue } from '../../model/json.ts';
import { parseUsd } from '../../model/money.ts';
import type { Run } from '../../model/run.ts';
import type { VaultKey } from '../../model/vault.ts';
import type { RunHooks } from '../../orchestrator/ports.ts';
import type { Reads } from '../../store/reads.ts';
import type { ReopenedRun, WriteBatch } from '../../store/write-batch.ts';
import { parseEndpoint } from './endpoint-rules.ts';
import type { KeyRegistry } from './key-registry.ts';
import type { KeyTexts } from './key-text.ts';
import { DAY_MS, LIFETIME_MS_DEFAULT, parseLifetime } from './lifetime.ts';
import type { Mac } from './master-keys.ts';
import { placeholders } from './placeholders.ts';
import type { RunKeyBook } from './run-key-book.ts';

export interface RunHookOptions {
  readonly reads: Pick<Reads, 'vaultKeys'>;
  readonly registry: KeyRegistry;
  /** Which runs have keys, where several processes share the store: then nothing of a run is kept in the registry. */
  readonly known: RunKeyBook | null;
  readonly texts: KeyTexts;
  readonly placeholderMac: Mac;
  readonly vendors: ReadonlySet<string>;
}

export interface VaultRunHooks extends RunHooks {
  /** A run that ended a moment ago, perhaps after somebody read that it runs: no key may be issued for it any more. */
  endedLately(runId: string, now: number): boolean;
}

export const RUN_LABEL = 'conductor/';
const ENDED_KEPT = 10_000;
const LATELY_MS = 30_000;
const OF_RUN_MAX = 1_000_000;

export function runHooks({ reads, registry, known, texts, placeholderMac, vendors }: RunHookOptions): VaultRunHooks {
  const documents = placeholders(texts, placeholderMac);
  const caps = capTemplates();
  const ended = new Map<string, number>();

  return {
    check({ budget = {} }) {
      for (const [vendor, part] of Object.entries(budget)) checkBudget(vendor, part, vendors);
    },
    started(run, definition, batch, now) {
      // All of them are checked before the first is written: a refusal must leave nothing behind.
      const keys = definition.budget ? runKeys(definition.budget, run, now, vendors, caps) : [];
      // It may be a run that has begun again.
      ended.delete(run.id);
      for (const key of keys) {
        if (known) known.started(key, batch);
        else registry.write(key, batch);
      }
    },
    ended(run, batch, now) {
      if (known) return known.ended(run.id, batch, now);
      for (const key of registry.liveOfRun(run.id)) registry.write({ ...key, revokedMs: now }, batch);
      ended.set(run.id, now);
      if (ended.size > ENDED_KEPT) ended.delete(ended.keys().next().value ?? '');
    },
    async reopening(runId) {
      const rows = await reads.vaultKeys({ runLabel: RUN_LABEL + runId, limit: OF_RUN_MAX });
      // A revoked key need not be in memory.
      if (!known) await Promise.all(rows.map(({ id }) => registry.find(id)));
      return ({ id, endedMs }, batch, now) => {
        const reopened = { id, runLabel: RUN_LABEL + id, endedMs, atMs: now, lifeMsMax: DAY_MS };
        if (known) return known.reopened(reopened, batch);
        ended.delete(id);
        // What memory has let go of since it was read has not been written since.
        for (const row of rows) giveBack(registry, registry.get(row.id)?.row ?? row, reopened, batch);
      };
    },
    fill(input, run, task, spelling) {
      const scope = { runId: run.id, attempt: task.attempt, ref: task.ref };
      return documents.fill(
        input,
        run.rootId,
        spelling,
        (vendor) => runKeyFor(run, vendor, (id) => (known ? known.has(id) : registry.get(id) !== undefined)),
        (keyId) => texts.write({ keyId, task: scope }),
      );
    },
    conceal: documents.conceal,
    concealText: documents.concealText,
    prepare: (runs) => known?.read(runs.flatMap((run) => [...vendors].flatMap((vendor) => runKeyIds(run, vendor)))),
    endedLately: (runId, now) => now - (ended.get(runId) ?? Number.NEGATIVE_INFINITY) < LATELY_MS,
  };
}

/** A key that was revoked at another time than the run's end was revoked by somebody, and stays so. */
function giveBack(
  registry: KeyRegistry,
  key: VaultKey,
  { id, endedMs, atMs, lifeMsMax }: ReopenedRun,
  batch: WriteBatch,
): void {
  if (key.runId !== id || key.revokedMs !== endedMs) return;
  const lifeMs = Math.min(key.expiresMs - key.createdMs, lifeMsMax);
  registry.write({ ...key, revokedMs: 0, expiresMs: Math.max(key.expiresMs, atMs + lifeMs) }, batch);
}

/** The same id whenever it is asked for, so a hand-off needs no look-up to find its run's key. */
export function runKeyId(runId: string, vendor: string): string {
  return `vk_${bytesToHex(sha256(utf8ToBytes(`run-key\n${runId}\n${vendor}`)).subarray(0, 16))}`;
}

/** The key of the nearest run of its line that has a budget: a sub-workflow spends from what it was given. */
function runKeyFor(run: Run, vendor: string, exists: (keyId: string) => boolean): string | undefined {
  return runKeyIds(run, vendor).find(exists);
}

function runKeyIds(run: Pick<Run, 'id' | 'rootId' | 'parent' | 'payers'>, vendor: string): string[] {
  const { payers } = run;
  if (payers) return Object.hasOwn(payers, vendor) ? [runKeyId(payers[vendor] ?? '', vendor)] : [];
  // Nobody pays, or the run is from before payers were kept: then whoever of these has a key does.
  return [...new Set([run.id, run.parent?.runId ?? run.id, run.rootId])].map((runId) => runKeyId(runId, vendor));
}

function runKeys(budget: Budget, run: Run, now: number, vendors: ReadonlySet<string>, caps: CapReader): VaultKey[] {
  return Object.entries(budget).map(([vendor, part]) => {
    const lifeMs = checkBudget(vendor, part, vendors);
    return runKey(run, vendor, part, caps(part.capUsd, run, `budget.${vendor}.capUsd`), lifeMs, now);
  });
}

/** Everything that can be said of a budget before a run's input is known. Returns how long its run keys live. */
function checkBudget(vendor: string, part: VendorBudget, vendors: ReadonlySet<string>): number {
  const at = `budget.${vendor}`;
  if (!vendors.has(vendor))
    throw invalid(at, `"${vendor}" is not a vendor of the vault; known: ${[...vendors].join(', ')}`);
  for (const endpoint of part.allowedEndpoints) {
    if (!parseEndpoint(endpoint)) throw invalid(`${at}.allowedEndpoints`, `"${endpoint}" is not an endpoint`);
  }
  const { capUsd } = part;
  if (!String(capUsd).includes('${') && parseUsd(capUsd) === undefined) {
    throw invalid(`${at}.capUsd`, `${JSON.stringify(capUsd)} is not an amount of dollars`);
  }
  return lifetimeOf(part, at);
}

function runKey(
  run: Run,
  vendor: string,
  part: VendorBudget,
  capMicros: number,
  lifeMs: number,
  now: number,
): VaultKey {
  return {
    id: runKeyId(run.id, vendor),
    vendor,
    capMicros,
    capWindow: part.capWindow ?? (lifeMs <= DAY_MS ? 'lifetime' : 'utc_day'),
    capStatus: 429,
    allowedEndpoints: part.allowedEndpoints,
    zeroCostEndpoints: [],
    runLabel: RUN_LABEL + run.id,
    runId: run.id,
    name: run.name,
    issuedBy: 'budget',
    createdMs: now,
    expiresMs: now + lifeMs,
    revokedMs: 0,
    idempotencyKey: null,
    requestDigest: null,
  };
}

function lifetimeOf({ expiresIn }: VendorBudget, at: string): number {
  if (expiresIn === undefined) return LIFETIME_MS_DEFAULT;
  const ms = parseLifetime(expiresIn);
  if (ms === undefined)
    throw invalid(`${at}.expiresIn`, `"${expiresIn}" is not a time such as 30m, 2h or 7d, at most 30d`);
  return ms;
}

type CapReader = (cap: number | string, run: Run, at: string) => number;

/** Compiled once per text: definitions are few, runs are many. */
function capTemplates(): CapReader {
  const templates = new Map<string, Template>();
  return (cap, run, at) => {
    let value: JsonValue = cap;
    if (typeof cap === 'string' && cap.includes('${')) {
      if (templates.size > 1000) templates.clear();
      const template = templates.get(cap) ?? compileTemplate(cap);
      templates.set(cap, template);
      value = template.resolve({ lookup: (root, field) => lookup(run, root, field) });
    }
    const micros = parseUsd(value);
    if (micros === undefined) {
      throw invalid(at, `${JSON.stringify(cap)} gives ${JSON.stringify(value)}, which is not an amount of dollars`);
    }
    return micros;
  };
}

function lookup(run: Run, root: string, field: string): JsonValue | undefined {
  if (root !== 'workflow') return undefined;
  if (field === 'input') return isJsonObject(run.input.value) ? run.input.value : undefined;
  return field === 'workflowId' ? run.id : field === 'correlationId' ? run.correlationId : undefined;
}

function invalid(path: string, message: string): AppError {
  return new AppError('invalid_request', `${path}: ${message}.`, [{ path, message }]);
}
