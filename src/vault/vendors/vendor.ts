// What the pipeline must know about a vendor, and nothing more. One folder per vendor implements it, with one file per
// purpose: endpoints, cost-table, settle, currencies, error-body, headers, idempotency.
import type { HeaderLookup } from '../../access/access.ts';
import type { JsonObject } from '../../model/json.ts';
import type { Basis, Proof } from '../ledger/settlement.ts';
import type { Form } from '../proxy/form.ts';
import type { Refusal } from '../proxy/refusal.ts';
import type { ProxyReply } from '../proxy-api.ts';

/** A call in its canonical form. */
export interface VendorCall {
  /** GET, HEAD, POST or DELETE as sent. */
  readonly method: string;
  readonly path: string;
  readonly segments: readonly string[];
  /** `payment_intents.create`. */
  readonly operation: string;
  readonly params: Form;
}

export interface Price {
  /** The vendor's minor units. */
  readonly amountMinor: number;
  readonly currency: string;
}

/** What a call costs before it is made. */
export type Cost =
  | { readonly kind: 'free' }
  /** It may move money and nobody can say how much. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'known'; readonly price: Price; readonly basis: Basis; readonly objectIds: readonly string[] }
  /** An object of the vendor says what it costs. */
  | {
      readonly kind: 'look-up';
      readonly path: string;
      readonly basis: Basis;
      readonly objectIds: readonly string[];
      /** The price when the object was counted by this key before, so that no look is needed; null: look anyway. */
      readonly ifCounted: Price | 'nothing' | null;
      /** Null when the object does not say. Further ids under which the same money may have been counted. */
      price(object: JsonObject): (Price & { readonly alsoIds: readonly string[] }) | null;
    };

/** A vendor's answer, as far as money is concerned. */
export interface VendorAnswer {
  readonly status: number;
  readonly header: HeaderLookup;
  /** Undefined when the body is not a JSON object. */
  readonly body: JsonObject | undefined;
}

export interface Verdict extends Proof {
  /** The answer repeats an earlier one: it moved no money now. */
  readonly replayed: boolean;
}

export interface RefusalContext {
  readonly requestId: string;
  readonly keyId: string | null;
  readonly runLabel: string | null;
}

export interface Vendor {
  readonly name: string;
  /** Whether a path without vendor prefix is in this vendor's root namespace. */
  ownsRoot(path: string): boolean;
  /** Segments behind the prefix to the vendor's own path: tolerates what SDKs make of a base address. */
  ownSegments(segments: readonly string[]): readonly string[];
  /** Whether the vendor has such an address at all. */
  knows(segments: readonly string[]): boolean;
  /** Header names that decide something and must come once. */
  singleHeader(name: string): boolean;
  operation(method: string, segments: readonly string[]): string;
  /** Throws Refusal. */
  readParams(method: string, query: string | undefined, body: Uint8Array, header: HeaderLookup): Form;
  /** Throws Refusal parameter_invalid. */
  cost(call: VendorCall): Cost;
  /** Micro-USD of a price; undefined when the vault cannot cap its currency. */
  micros(price: Price): number | undefined;
  /** "1,000 jpy" as people read it. */
  describe(price: Price): string;
  /** What an answer to a charging call means; `again` when the vault repeated the call by itself. */
  verdict(operation: string, answer: VendorAnswer, again: boolean): Verdict;
  /** Id of the object that an answer is about, for the audit. */
  objectId(body: JsonObject | undefined): string | null;
  /** Whom a call is about, for the audit. */
  customer(call: VendorCall): string | null;
  /** The account a call is made for, beside the secret: "" for the secret's own. */
  account(header: HeaderLookup): string;
  /** Headers that name the account or version a call is made under: kept with an open charge so that it can be asked again. */
  contextHeaders(header: HeaderLookup): readonly string[];
  /** Flat name, value list to send; with the secret and without anything of the caller's way to us. */
  requestHeaders(header: HeaderLookup, secret: string, idempotencyKey: string | null, hasBody: boolean): string[];
  /** For a call that the vault makes on its own behalf. */
  ownHeaders(context: readonly string[], secret: string, idempotencyKey: string | null, hasBody: boolean): string[];
  /** Whether an SDK made this idempotency key up. */
  automaticIdempotencyKey(key: string, header: HeaderLookup): boolean;
  /** Whether the SDK that calls takes no answer from an address below the vendor's name: it must not be charged for it. */
  needsRoot(header: HeaderLookup): boolean;
  /** Whether a header of an answer goes back to the caller. */
  passesBack(name: string): boolean;
  /** Header of an answer that names it at the vendor. */
  readonly requestIdHeader: string;
  refuse(refusal: Refusal, context: RefusalContext): ProxyReply;
}
