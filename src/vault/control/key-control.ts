// Issuing, showing, changing and revoking vault keys. Every change is one transaction; every read sees what its caller
// did before. Owns idempotent issue: a step that is retried must never mint a second cap.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { AppError } from '../../model/error.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import type { VaultKey } from '../../model/vault.ts';
import { BUSY, type Clock, type Transactor } from '../../orchestrator/ports.ts';
import type { Reads, VaultKeyFilter } from '../../store/reads.ts';
import type { WriteBatch } from '../../store/write-batch.ts';
import type { FreshKeys } from '../keys/fresh-keys.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import { KEY_PREFIX, type KeyTexts } from '../keys/key-text.ts';
import type { RoundKeys, WantedKeys } from '../keys/round-keys.ts';
import { RUN_LABEL, type VaultRunHooks } from '../keys/run-hooks.ts';
import { digest } from '../ledger/digest.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Usage } from '../ledger/reservation.ts';
import { readCredential } from '../proxy/credential.ts';
import { type IssueRequest, readIssueRequest, readPatchRequest } from './issue-request.ts';

export interface KeyControlOptions {
  readonly transactor: Transactor;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly registry: KeyRegistry;
  /** What decisions trust. */
  readonly keys: RoundKeys;
  /** Set where several processes share the store: then nothing is answered from memory. */
  readonly fresh: FreshKeys | null;
  readonly texts: KeyTexts;
  readonly ledger: Ledger;
  readonly hooks: VaultRunHooks;
  readonly vendors: ReadonlySet<string>;
}

export interface IssueCall {
  readonly body: unknown;
  readonly idempotencyKey: string | null;
  /** Who issues: idempotency keys of two callers never meet. */
  readonly principal: string;
}

export interface IssuedKey {
  readonly key: VaultKey;
  readonly text: string;
  /** False when the same request had issued it before. */
  readonly created: boolean;
}

export interface KeyWithUsage {
  readonly key: VaultKey;
  readonly usage: Usage;
}

export interface ResolveCall {
  readonly label: string;
  readonly vendor: string | null;
  /** The task that will use the key, so that its charges are joined to it. */
  readonly task: { readonly ref: string; readonly attempt: number; readonly runId: string | null } | null;
}

const SWEEP_EVERY = 1000;
const OF_LABEL_MAX = 1_000_000;

export class KeyControl {
  readonly #options: KeyControlOptions;
  #issued = 0;

  constructor(options: KeyControlOptions) {
    this.#options = options;
  }

  /** Throws AppError invalid_request; conflict when the Idempotency-Key or the unique label stands for another request. */
  async issue({ body, idempotencyKey, principal }: IssueCall): Promise<IssuedKey> {
    const { clock, fresh, hooks, keys, newId, reads, registry, transactor, vendors } = this.#options;
    if (idempotencyKey !== null && (idempotencyKey === '' || idempotencyKey.length > 255)) {
      throw new AppError('invalid_request', 'Idempotency-Key must have 1 to 255 characters.');
    }
    const request = readIssueRequest(body, vendors, clock.now());
    const requestDigest = digest(request.fingerprint);
    const id = idempotencyKey === null ? `vk_${newId().replaceAll('-', '')}` : repeatedId(principal, idempotencyKey);
    if (idempotencyKey !== null && !fresh) await registry.find(id);
    const runId = runOf(request.runLabel);
    if (runId !== null) await this.#requireOpenRun(runId);
    const runRowId = fresh && runId !== null ? await reads.runRowId(runId) : null;
    this.#sweep();
    let ended = false;
    return transactor.submit({
      load: (round) => {
        const loading = keys.load(round, wantedBy(request, idempotencyKey === null ? [] : [id], runRowId));
        if (!loading || runId === null) return loading;
        // The run is locked now: what is committed of it stays so until the key is.
        return loading.then(async (busy) => {
          if (busy !== BUSY) ended = await this.#hasEnded(runId);
          return busy;
        });
      },
      decide: (batch, now) => {
        const earlier = keys.get(id) ?? this.#labelled(request, now);
        if (earlier) return this.#again(earlier, requestDigest, idempotencyKey);
        if (runId !== null && (ended || hooks.endedLately(runId, now))) throw runEnded(runId);
        const key = newKey(request, { id, runId, requestDigest, idempotencyKey, issuedBy: principal, now });
        keys.write(key, batch);
        return { key, text: this.#options.texts.write({ keyId: key.id, task: null }), created: true };
      },
    });
  }

  /** Throws AppError not_found. */
  async get(idOrText: string): Promise<KeyWithUsage> {
    await this.#options.transactor.settled();
    const key = await this.#find(idOrText);
    return { key, usage: await this.#options.ledger.usage(key) };
  }

  /** The vendor a key is for, to check a permission. Throws AppError not_found. */
  async vendorOf(idOrText: string): Promise<string> {
    return (await this.#find(idOrText)).vendor;
  }

  async list(filter: VaultKeyFilter): Promise<readonly KeyWithUsage[]> {
    await this.#options.transactor.settled();
    const keys = await this.#options.reads.vaultKeys(filter);
    return Promise.all(keys.map(async (key) => ({ key, usage: await this.#options.ledger.usage(key) })));
  }

  /** The key that a caller holds. Throws AppError invalid_credential. */
  async self(authorization: string | undefined): Promise<KeyWithUsage> {
    const text = readCredential(authorization);
    const claims = text === undefined ? null : this.#options.texts.read(text);
    const found = claims && (await this.#present(claims.keyId));
    const live = found && found.revokedMs === 0 && found.expiresMs > this.#options.clock.now();
    if (!live) {
      throw new AppError('invalid_credential', 'This route takes a live vault key as its credential: none was sent.');
    }
    return this.get(found.id);
  }

  /** Throws AppError not_found; conflict for a revoked key. */
  async patch(idOrText: string, body: unknown): Promise<KeyWithUsage> {
    const { clock, keys, transactor } = this.#options;
    const change = readPatchRequest(body, clock.now());
    const { id } = await this.#find(idOrText);
    const key = await transactor.submit({
      load: (round) => keys.load(round, { ids: [id] }),
      decide: (batch) => {
        const present = keys.get(id);
        if (!present) throw new AppError('not_found', `There is no vault key ${id}.`);
        if (present.revokedMs > 0) throw new AppError('conflict', `The vault key ${id} is revoked; issue another one.`);
        const next = {
          ...present,
          capMicros: change.capMicros ?? present.capMicros,
          expiresMs: change.expiresMs ?? present.expiresMs,
        };
        keys.write(next, batch);
        return next;
      },
    });
    return { key, usage: await this.#options.ledger.usage(key) };
  }

  /** Idempotent; holds for every call that is not yet forwarded when it resolves. Throws AppError not_found. */
  async revoke(idOrText: string): Promise<VaultKey> {
    const { keys, transactor } = this.#options;
    const found = await this.#find(idOrText);
    return transactor.submit({
      load: (round) => keys.load(round, { ids: [found.id] }),
      decide: (batch, now) => this.#revokeNow(keys.get(found.id) ?? found, batch, now),
    });
  }

  /** Revokes every live key under a label. */
  async revokeLabel(label: string): Promise<readonly VaultKey[]> {
    const { keys, transactor } = this.#options;
    return transactor.submit({
      load: (round) => keys.load(round, { label }),
      decide: (batch, now) => keys.ofLabel(label).map((key) => this.#revokeNow(key, batch, now)),
    });
  }

  /** Vendors of the live keys under a label, to check permissions. */
  async vendorsOfLabel(label: string): Promise<readonly string[]> {
    return [...new Set((await this.#liveOfLabel(label)).map(({ vendor }) => vendor))];
  }

  /** The run's key, derived for the asking task. Throws AppError not_found, invalid_request. */
  async resolve({ label, vendor, task }: ResolveCall): Promise<IssuedKey> {
    const now = this.#options.clock.now();
    const live = (await this.#liveOfLabel(label))
      .filter((key) => key.expiresMs > now && (vendor === null || key.vendor === vendor))
      .sort((a, b) => b.createdMs - a.createdMs);
    const [key] = live;
    if (!key) throw new AppError('not_found', `No live vault key is labelled "${label}".`);
    if (live.some((other) => other.vendor !== key.vendor)) {
      throw new AppError('invalid_request', `Keys of several vendors are labelled "${label}": send vendor as well.`);
    }
    const scope = task && { ref: task.ref, attempt: task.attempt, runId: task.runId ?? key.runId ?? label };
    return { key, text: this.#options.texts.write({ keyId: key.id, task: scope }), created: false };
  }

  /** The text of a key by its id: for answers that hand it out on purpose. */
  textOf(key: VaultKey): string {
    return this.#options.texts.write({ keyId: key.id, task: null });
  }

  async #find(idOrText: string): Promise<VaultKey> {
    const id = idOrText.startsWith(KEY_PREFIX) ? this.#options.texts.read(idOrText)?.keyId : idOrText;
    const row = id === undefined ? null : await this.#present(id);
    if (!row) throw new AppError('not_found', 'There is no such vault key.');
    return row;
  }

  async #present(id: string): Promise<VaultKey | null> {
    const { fresh, registry } = this.#options;
    return fresh ? fresh.read(id) : ((await registry.find(id))?.row ?? null);
  }

  async #liveOfLabel(label: string): Promise<readonly VaultKey[]> {
    const { clock, fresh, reads, registry } = this.#options;
    if (!fresh) return registry.liveOfLabel(label);
    return reads.vaultKeys({ runLabel: label, liveAtMs: clock.now(), limit: OF_LABEL_MAX });
  }

  #revokeNow(key: VaultKey, batch: WriteBatch, now: number): VaultKey {
    if (key.revokedMs > 0) return key;
    const revoked = { ...key, revokedMs: now };
    this.#options.keys.write(revoked, batch);
    return revoked;
  }

  #again(earlier: VaultKey, requestDigest: string, idempotencyKey: string | null): IssuedKey {
    if (earlier.requestDigest === requestDigest) return { key: earlier, text: this.textOf(earlier), created: false };
    const what =
      idempotencyKey !== null && earlier.idempotencyKey === idempotencyKey ? 'Idempotency-Key' : 'unique label';
    throw new AppError(
      'conflict',
      `This ${what} was used with another request, which issued ${earlier.id}. Send the same request, or use another one.`,
    );
  }

  #labelled(request: IssueRequest, now: number): VaultKey | undefined {
    if (!request.uniqueLabel || request.runLabel === null) return undefined;
    return this.#options.keys
      .ofLabel(request.runLabel)
      .find((key) => key.vendor === request.vendor && key.issuedBy !== 'budget' && key.expiresMs > now);
  }

  async #requireOpenRun(runId: string): Promise<void> {
    if (await this.#hasEnded(runId)) throw runEnded(runId);
  }

  async #hasEnded(runId: string): Promise<boolean> {
    const found = await this.#options.reads.run(runId, false);
    return found !== null && isRunTerminal(found.run.status);
  }

  #sweep(): void {
    this.#issued += 1;
    if (this.#issued % SWEEP_EVERY === 0) this.#options.registry.sweep(this.#options.clock.now());
  }
}

interface NewKey {
  readonly id: string;
  readonly runId: string | null;
  readonly requestDigest: string;
  readonly idempotencyKey: string | null;
  readonly issuedBy: string;
  readonly now: number;
}

function newKey(request: IssueRequest, { now, ...known }: NewKey): VaultKey {
  const { vendor, capMicros, capWindow, capStatus, allowedEndpoints, zeroCostEndpoints, runLabel, name } = request;
  return {
    ...known,
    ...{ vendor, capMicros, capWindow, capStatus, allowedEndpoints, zeroCostEndpoints, runLabel, name },
    createdMs: now,
    expiresMs: request.expiresMs,
    revokedMs: 0,
  };
}

/**
 * What issuing must not race with: the same request elsewhere, another key under a label that may have one only, and the
 * end of the run that the key belongs to.
 */
function wantedBy(request: IssueRequest, ids: readonly string[], runRowId: number | null): WantedKeys {
  const label = request.uniqueLabel ? request.runLabel : null;
  return {
    ids,
    alone: ids.length > 0 || label !== null,
    ...(label === null ? {} : { label }),
    ...(runRowId === null ? {} : { runRowId }),
  };
}

/** The id follows from who asked under which Idempotency-Key: the repetition finds the first at once, however late. */
function repeatedId(principal: string, idempotencyKey: string): string {
  return `vk_${bytesToHex(sha256(utf8ToBytes(`issue\n${principal}\n${idempotencyKey}`)).subarray(0, 16))}`;
}

function runOf(label: string | null): string | null {
  if (!label?.startsWith(RUN_LABEL)) return null;
  const id = label.slice(RUN_LABEL.length);
  return id === '' || id.includes('/') ? null : id;
}

function runEnded(runId: string): AppError {
  return new AppError('conflict', `The execution ${runId} has ended: no key is issued for it any more.`);
}
