// Finds out what became of charges whose answer was lost: asks again under the same idempotency key with the same body,
// now and then, while the vendor still knows the key. Must never ask under another account's secret, after the vendor may
// have forgotten the key, or for a key that was revoked or has expired: each of these could charge anew.
import type { Charge, VaultKey } from '../../model/vault.ts';
import { REPLAY_CREDIT_MS } from '../ledger/key-totals.ts';
import type { Claimed, Settling } from '../ledger/ledger.ts';
import { notesOf, readOpenRequest } from '../ledger/open-request.ts';
import type { Proof, Settlement } from '../ledger/settlement.ts';
import { CALL_LIFE_MS } from '../ledger/task-ordinal.ts';
import type { Vendor } from '../vendors/vendor.ts';
import { sameCall } from './call-idempotency.ts';
import { readForm } from './form.ts';
import type { ProxyContext } from './proxy-context.ts';
import { auditRow, startTrace } from './trace.ts';
import { type Answer, ask } from './vendor-client.ts';

/** From seconds to half an hour; the last one repeats. */
const DELAYS_MS = [2_000, 10_000, 60_000, 300_000, 1_800_000];
const AT_ONCE_MAX = 8;
/** How soon the charges of a process that died are found, once they are older than any call. */
const SCAN_MS = 60_000;

interface Watched {
  readonly charge: Charge;
  readonly tries: number;
  readonly dueMs: number;
}

export class Resolver {
  readonly #context: ProxyContext;
  readonly #watched = new Map<number, Watched>();
  /** Open, and not to be asked any more: found by every scan all the same. */
  #leftOpen = new Set<number>();
  #scanning: ReturnType<typeof setInterval> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #armedMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(context: ProxyContext) {
    this.#context = context;
  }

  watch(charge: Charge): void {
    if (this.#watched.has(charge.rowId) || notesOf(charge.body).free) return;
    // Whoever asks for it has recorded it as uncertain.
    this.#later({
      charge: { ...charge, state: 'uncertain' },
      tries: 0,
      dueMs: this.#context.now() + (DELAYS_MS[0] ?? 0),
    });
  }

  /** One look at each of these charges now; those that stay open are watched. */
  async resolve(charges: readonly Charge[]): Promise<void> {
    const waiting = [...charges];
    const next = async (): Promise<void> => {
      for (let charge = waiting.pop(); charge && !this.#closed; charge = waiting.pop()) {
        await this.#attempt(charge, this.#watched.get(charge.rowId)?.tries ?? 0);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, next));
  }

  /** What other processes left open, now and every minute. */
  scanOften(open: () => Promise<readonly Charge[]>): void {
    const scan = () => this.scan(open).catch((error: unknown) => this.#context.defect(error));
    this.#scanning = setInterval(scan, SCAN_MS);
    if (typeof this.#scanning === 'object') this.#scanning.unref();
  }

  /** One look at each charge that is too old for its caller to be still waiting, and that nobody here asks for yet. */
  async scan(open: () => Promise<readonly Charge[]>): Promise<void> {
    const now = this.#context.now();
    const charges = await open();
    const left = charges.filter(({ rowId }) => this.#leftOpen.has(rowId));
    this.#leftOpen = new Set(left.map(({ rowId }) => rowId));
    await this.resolve(
      charges.filter(
        ({ rowId, reservedMs }) =>
          now - reservedMs >= CALL_LIFE_MS && !this.#watched.has(rowId) && !this.#leftOpen.has(rowId),
      ),
    );
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#scanning);
    clearTimeout(this.#timer);
    this.#watched.clear();
  }

  #later(watched: Watched): void {
    if (this.#closed) return;
    this.#watched.set(watched.charge.rowId, watched);
    if (watched.dueMs < this.#armedMs) this.#arm(watched.dueMs);
  }

  #arm(dueMs: number): void {
    clearTimeout(this.#timer);
    this.#armedMs = dueMs;
    if (this.#closed || dueMs === Number.POSITIVE_INFINITY) return;
    const timer = setTimeout(() => void this.#due(), Math.max(0, dueMs - this.#context.now()));
    // An open question at the vendor must not keep the process alive: it is asked again after the next start.
    if (typeof timer === 'object') timer.unref();
    this.#timer = timer;
  }

  async #due(): Promise<void> {
    const now = this.#context.now();
    const due = [...this.#watched.values()].filter(({ dueMs }) => dueMs <= now);
    await this.resolve(due.map(({ charge }) => charge)).catch((error: unknown) => this.#context.defect(error));
    let earliestMs = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#watched.values()) earliestMs = Math.min(earliestMs, dueMs);
    this.#arm(earliestMs);
  }

  async #attempt(charge: Charge, tries: number): Promise<void> {
    this.#watched.delete(charge.rowId);
    const { flights } = this.#context.ledger;
    // The caller itself is asking again: its answer will tell.
    if (flights.get(charge.keyId, charge.fingerprint)) return this.#retry(charge, tries);
    const flight = flights.start(charge.keyId, charge.fingerprint);
    let open = charge;
    try {
      if (await this.#ask(charge)) {
        this.#leave(charge);
        return;
      }
      open = { ...charge, state: 'uncertain' };
    } catch (error) {
      this.#context.defect(error);
    } finally {
      flight.land();
    }
    this.#retry(open, tries);
  }

  #retry(charge: Charge, tries: number): void {
    if (this.#context.now() - charge.reservedMs >= REPLAY_CREDIT_MS) {
      this.#leave(charge);
      return;
    }
    const delayMs = DELAYS_MS[Math.min(tries, DELAYS_MS.length - 1)] ?? 0;
    this.#later({ charge, tries: tries + 1, dueMs: this.#context.now() + delayMs });
  }

  #leave({ rowId }: Charge): void {
    if (this.#context.fresh) this.#leftOpen.add(rowId);
  }

  /** True when nothing is left to ask. */
  async #ask(found: Charge): Promise<boolean> {
    const context = this.#context;
    const claimed = await this.#claim(found);
    if (!claimed) return true;
    const { charge, key } = claimed;
    const vendor = context.vendors.find(({ name }) => name === key.vendor);
    if (!vendor) return true;
    const { free } = notesOf(charge.body);
    const answer = !free && this.#mayAsk(charge, key) ? await this.#repeat(charge, key) : undefined;
    const operation = vendor.operation(charge.method, charge.path.slice(1).split('/'));
    const proof = free ? GIVEN_BACK : answer ? vendor.verdict(operation, answer, true) : UNCERTAIN;
    const known = proof.settlement.kind !== 'uncertain';
    // An uncertain charge that stays uncertain is recorded already; one that a crash left reserved is not.
    if (known || charge.state === 'reserved') await this.#settle(charge, key, vendor, operation, proof, answer);
    return known || !this.#mayAsk(charge, key);
  }

  /** The charge and its key as they are; undefined when there is nothing to ask. */
  async #claim(charge: Charge): Promise<Claimed | undefined> {
    const { fresh, ledger, registry } = this.#context;
    if (fresh) return ledger.claim(charge);
    const key = (await registry.find(charge.keyId))?.row;
    return key && { charge, key };
  }

  #mayAsk(charge: Charge, key: VaultKey): boolean {
    const now = this.#context.now();
    const remembered = now - charge.reservedMs < REPLAY_CREDIT_MS;
    return remembered && key.revokedMs === 0 && key.expiresMs > now;
  }

  async #repeat(charge: Charge, key: VaultKey): Promise<Answer | undefined> {
    const context = this.#context;
    const vendor = context.vendors.find(({ name }) => name === key.vendor);
    const secret = context.secret(key.vendor);
    const request = readOpenRequest(charge.body);
    if (!vendor || !secret || !request) return undefined;
    const header = (name: string) => {
      const at = request.headers.findIndex((text, i) => i % 2 === 0 && text === name);
      return at < 0 ? undefined : request.headers[at + 1];
    };
    const segments = charge.path.slice(1).split('/');
    const operation = vendor.operation(charge.method, segments);
    const params = readForm(request.body, 'body');
    const call = { method: charge.method, path: charge.path, segments, operation, params };
    // Another secret may be another account, where the same key would be a new charge.
    const same = sameCall(secret.tag, vendor.account(header), call, charge.idempotencyKey);
    if (context.digest(same) !== charge.fingerprint) return undefined;
    const outcome = await ask({
      vendor,
      upstream: context.upstream(vendor.name),
      secret: secret.text,
      method: charge.method,
      path: charge.path,
      headers: vendor.ownHeaders(request.headers, secret.text, charge.idempotencyKey, true),
      body: request.body,
      mayStream: false,
    });
    return outcome.kind === 'answer' ? outcome.answer : undefined;
  }

  async #settle(
    charge: Charge,
    key: VaultKey,
    vendor: Vendor,
    operation: string,
    proof: Proof,
    answer: Answer | undefined,
  ): Promise<void> {
    const context = this.#context;
    const trace = startTrace(charge.requestId, context.now(), vendor, charge.method, charge.path);
    trace.key = key;
    trace.operation = operation;
    trace.task =
      charge.ref === null || charge.runId === null
        ? null
        : { runId: charge.runId, ref: charge.ref, attempt: charge.attempt };
    trace.estimateMicros = charge.amountMicros;
    const { settlement } = proof;
    const charged = settlement.kind === 'charged' || settlement.kind === 'charged-as-reserved';
    const audit: Settling['audit'] = (costMicros, usage, now) =>
      auditRow(
        trace,
        {
          verdict: charged ? 'allowed' : 'error',
          reason: reasonOf(settlement),
          vendorStatus: answer?.status ?? 0,
          vendorRequestId: answer?.header(vendor.requestIdHeader) ?? null,
          vendorObjectId: charged ? vendor.objectId(answer?.body) : null,
          replayed: true,
          costMicros,
          capUsageMicros: usage.spentMicros + usage.reservedMicros,
        },
        now,
      );
    await context.ledger.settle({ charge, proof, called: false, audit });
  }
}

const UNCERTAIN: Proof = { settlement: { kind: 'uncertain' }, stored: false };
const GIVEN_BACK: Proof = { settlement: { kind: 'released' }, stored: false };

function reasonOf({ kind }: Settlement): string {
  if (kind === 'uncertain') return 'the outcome is not known; the amount stays counted';
  return kind === 'released' ? 'asked again: it was not charged' : 'asked again: it was charged';
}
