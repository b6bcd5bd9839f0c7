// A request whose route is found. Owns what is worked out late: the query, the body; and who called, once it is known.
// Must never read a body twice.
import type { HeaderLookup, Principal } from '../access/access.ts';
import { NOBODY } from '../access/guard.ts';
import type { RequestOrigin } from '../visitor/visitor.ts';
import { parseJson } from './body.ts';
import type { HttpRequest } from './route.ts';

/** A request as a mount offers it, before anybody is known. */
export interface RawRequest {
  /** Request id, for replies and logs. */
  readonly id: string;
  readonly method: string;
  /** Path as sent, undecoded, without query. */
  readonly path: string;
  /** Query without "?"; "" when there is none. */
  readonly search: string;
  readonly header: HeaderLookup;
  readonly signal: AbortSignal;
  /** Absent: nothing is known of the connection. */
  readonly origin?: RequestOrigin;
  /** The whole body. May be asked for beside `bytes`. Throws AppError payload_too_large. */
  text(): Promise<string>;
  /** The same, exactly as sent; absent where the mount made the text itself. */
  bytes?(): Promise<Uint8Array>;
}

const NOWHERE: RequestOrigin = {};

export class MatchedRequest implements HttpRequest {
  readonly params: Readonly<Record<string, string>>;
  /** Whoever the requirement let in; NOBODY before. */
  principal: Principal = NOBODY;
  readonly #raw: RawRequest;
  #query: URLSearchParams | undefined;
  #text: Promise<string> | undefined;
  #json: Promise<unknown> | undefined;

  constructor(raw: RawRequest, params: Readonly<Record<string, string>>) {
    this.#raw = raw;
    this.params = params;
  }

  get id(): string {
    return this.#raw.id;
  }

  get method(): string {
    return this.#raw.method;
  }

  get path(): string {
    return this.#raw.path;
  }

  get target(): string {
    return this.#raw.search === '' ? this.#raw.path : `${this.#raw.path}?${this.#raw.search}`;
  }

  get header(): HeaderLookup {
    return this.#raw.header;
  }

  get origin(): RequestOrigin {
    return this.#raw.origin ?? NOWHERE;
  }

  get signal(): AbortSignal {
    return this.#raw.signal;
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#raw.search);
    return this.#query;
  }

  text(): Promise<string> {
    this.#text ??= this.#raw.text();
    return this.#text;
  }

  json(): Promise<unknown> {
    this.#json ??= this.text().then(parseJson);
    return this.#json;
  }

  async bytes(): Promise<Uint8Array> {
    return this.#raw.bytes ? this.#raw.bytes() : new TextEncoder().encode(await this.text());
  }
}
