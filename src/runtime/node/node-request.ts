// A node:http request as the dispatcher and the vault want it. Owns reading a body up to a limit and telling when the
// caller has gone; must never buffer more than the limit.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HeaderLookup } from '../../access/access.ts';
import { tooLarge } from '../../http/body-limit.ts';
import type { RawRequest } from '../../http/dispatch.ts';
import { AppError } from '../../model/error.ts';
import type { RequestOrigin } from '../../visitor/visitor.ts';
import type { BodyBudget } from './body-budget.ts';

export interface Target {
  /** Path as sent, undecoded, without query. */
  readonly path: string;
  /** Query without "?". */
  readonly search: string;
}

/** Splits a request target. Absolute-form targets (from clients that take us for a proxy) lose scheme and authority. */
export function splitTarget(url: string): Target {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '');
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, search: '' } : { path: target.slice(0, mark), search: target.slice(mark + 1) };
}

export function headersOf(request: IncomingMessage): HeaderLookup {
  const { headers } = request;
  return (name) => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
}

export class NodeRequest implements RawRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly search: string;
  readonly header: HeaderLookup;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #bodyBytesMax: number;
  readonly #budget: BodyBudget | null;
  #signal: AbortSignal | undefined;
  #body: Promise<Buffer> | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    newId: (header: HeaderLookup) => string,
    bodyBytesMax: number,
    budget: BodyBudget | null,
  ) {
    this.#request = request;
    this.#response = response;
    this.#bodyBytesMax = bodyBytesMax;
    this.#budget = budget;
    this.method = request.method ?? 'GET';
    this.path = target.path;
    this.search = target.search;
    this.header = headersOf(request);
    this.id = newId(this.header);
  }

  /** Made when somebody asks: only polls look at it. */
  get signal(): AbortSignal {
    this.#signal ??= goneSignal(this.#response);
    return this.#signal;
  }

  get origin(): RequestOrigin {
    const { httpVersion, socket } = this.#request;
    const { remoteAddress } = socket;
    return {
      httpVersion: `HTTP/${httpVersion}`,
      ...(remoteAddress === undefined ? {} : { peerAddress: remoteAddress }),
    };
  }

  bytes(): Promise<Buffer> {
    this.#body ??= this.#read();
    return this.#body;
  }

  #read(): Promise<Buffer> {
    const bytesMax = this.#bodyBytesMax;
    const announced = Number(this.#request.headers['content-length'] ?? 0);
    const turn = announced <= bytesMax ? this.#budget?.take(announced, this.#response) : undefined;
    return turn ? turn.then(() => readBytes(this.#request, bytesMax)) : readBytes(this.#request, bytesMax);
  }

  async text(): Promise<string> {
    const bytes = await this.bytes();
    const text = bytes.toString('utf8');
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }
}

function goneSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  const check = () => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.destroyed) check();
  else response.once('close', check);
  return controller.signal;
}

/** The whole body. Throws AppError payload_too_large, or invalid_request when the sender broke off. */
export function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > bytesMax) return Promise.reject(tooLarge(bytesMax));
  // No event would come any more.
  if (request.destroyed) return Promise.reject(brokenOff());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let total = 0;
    request.on('data', (chunk: Buffer) => {
      total += chunk.byteLength;
      if (total > bytesMax) return reject(tooLarge(bytesMax));
      // The usual body comes in one piece, as long as announced: it is whole before its end is told.
      if (total === declared) return resolve(total === chunk.byteLength ? chunk : Buffer.concat([...chunks, chunk]));
      chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks, total)));
    // Comes after `end` too; without one the sender has gone.
    request.on('close', () => {
      if (!request.complete) reject(brokenOff());
    });
  });
}

function brokenOff(): AppError {
  return new AppError('invalid_request', 'The body ended before its announced end.');
}
