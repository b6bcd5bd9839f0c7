// Issuing, showing, changing and revoking vault keys. Every change is one transaction; every read sees what its caller
// did before. Owns idempotent issue: a step that is retried must never mint a second cap.
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { AppError } from '../../model/error.ts';
import { isRunTerminal } from '../../model/run-status.ts';
import type { VaultKey } from '../../model/vault.ts';
import type { Clock, Transactor } from '../../orchestrator/ports.ts';
import type { Reads, VaultKeyFilter, WriteBatch } from '../../store/port.ts';
import type { KeyRegistry } from '../keys/key-registry.ts';
import { KEY_PREFIX, type KeyTexts } from '../keys/key-text.ts';
import { RUN_LABEL, type VaultRunHooks } from '../keys/run-hooks.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Usage } from '../ledger/reservation.ts';
import { digest } from '../ledger/task-idempotency.ts';
import { readCredential } from '../proxy/credential.ts';
import { type IssueRequest, readIssueRequest, readPatchRequest } from './issue-request.ts';

export interface KeyControlOptions {
  readonly transactor: Transactor;
  readonly reads: Reads;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly registry: KeyRegistry;
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

export class KeyControl {
  readonly #options: KeyControlOptions;
  #issued = 0;

  constructor(options: KeyControlOptions) {
    this.#options = options;
  }

  /** Throws AppError invalid_request; conflict when the Idempotency-Key or the unique label stands for another request. */
  async issue({ body, idempotencyKey, principal }: IssueCall): Promise<IssuedKey> {
    const { clock, newId, registry, transactor, vendors } = this.#options;
    if (idempotencyKey !== null && (idempotencyKey === '' || idempotencyKey.length > 255)) {
      throw new AppError('invalid_request', 'Idempotency-Key must have 1 to 255 characters.');
    }
    const request = readIssueRequest(body, vendors, clock.now());
    const requestDigest = digest(request.fingerprint);
    const id = idempotencyKey === null ? `vk_${newId().replaceAll('-', '')}` : repeatedId(principal, idempotencyKey);
    if (idempotencyKey !== null) await registry.find(id);
    const runId = runOf(request.runLabel);
    if (runId !== null) await this.#requireOpenRun(runId);
    this.#sweep();
    return transactor.transact((batch, now) => {
      const earlier = registry.get(id)?.row ?? this.#labelled(request, now);
      if (earlier) return this.#again(earlier, requestDigest, idempotencyKey);
      if (runId !== null && this.#options.hooks.endedLately(runId, now)) throw runEnded(runId);
      const key = newKey(request, { id, runId, requestDigest, idempotencyKey, issuedBy: principal, now });
      registry.write(key, batch);
      return { key, text: this.#options.texts.write({ keyId: key.id, task: null }), created: true };
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
    const found = claims && (await this.#options.registry.find(claims.keyId));
    const live = found && found.row.revokedMs === 0 && found.row.expiresMs > this.#options.clock.now();
    if (!live) {
      throw new AppError('invalid_credential', 'This route takes a live vault key as its credential: none was sent.');
    }
    return this.get(found.row.id);
  }

  /** Throws AppError not_found; conflict for a revoked key. */
  async patch(idOrText: string, body: unknown): Promise<KeyWithUsage> {
    const { clock, registry, transactor } = this.#options;
    const change = readPatchRequest(body, clock.now());
    const { id } = await this.#find(idOrText);
    const key = await transactor.transact((batch) => {
      const present = registry.get(id)?.row;
      if (!present) throw new AppError('not_found', `There is no vault key ${id}.`);
      if (present.revokedMs > 0) throw new AppError('conflict', `The vault key ${id} is revoked; issue another one.`);
      const next = {
        ...present,
        capMicros: change.capMicros ?? present.capMicros,
        expiresMs: change.expiresMs ?? present.expiresMs,
      };
      registry.write(next, batch);
      return next;
    });
    return { key, usage: await this.#options.ledger.usage(key) };
  }

  /** Idempotent; holds for every call that is not yet forwarded when it resolves. Throws AppError not_found. */
  async revoke(idOrText: string): Promise<VaultKey> {
    const found = await this.#find(idOrText);
    return this.#options.transactor.transact((batch, now) =>
      this.#revokeNow(this.#options.registry.get(found.id)?.row ?? found, batch, now),
    );
  }

  /** Revokes every live key under a label. */
  async revokeLabel(label: string): Promise<readonly VaultKey[]> {
    return this.#options.transactor.transact((batch, now) =>
      this.#options.registry.liveOfLabel(label).map((key) => this.#revokeNow(key, batch, now)),
    );
  }

  /** Vendors of the live keys under a label, to check permissions. */
  vendorsOfLabel(label: string): readonly string[] {
    return [...new Set(this.#options.registry.liveOfLabel(label).map(({ vendor }) => vendor))];
  }

  /** The run's key, derived for the asking task. Throws AppError not_found, invalid_request. */
  resolve({ label, vendor, task }: ResolveCall): IssuedKey {
    const now = this.#options.clock.now();
    const live = this.#options.registry
      .liveOfLabel(label)
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
    const { registry, texts } = this.#options;
    const id = idOrText.startsWith(KEY_PREFIX) ? texts.read(idOrText)?.keyId : idOrText;
    const entry = id === undefined ? null : await registry.find(id);
    if (!entry) throw new AppError('not_found', 'There is no such vault key.');
    return entry.row;
  }

  #revokeNow(key: VaultKey, batch: WriteBatch, now: number): VaultKey {
    if (key.revokedMs > 0) return key;
    const revoked = { ...key, revokedMs: now };
    this.#options.registry.write(revoked, batch);
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
    return this.#options.registry
      .liveOfLabel(request.runLabel)
      .find((key) => key.vendor === request.vendor && key.issuedBy !== 'budget' && key.expiresMs > now);
  }

  async #requireOpenRun(runId: string): Promise<void> {
    const found = await this.#options.reads.run(runId, false);
    if (found && isRunTerminal(found.run.status)) throw runEnded(runId);
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
