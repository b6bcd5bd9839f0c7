// One request to a vendor on its way, and its answer. A short answer of announced length is given whole, when its last
// byte is there: most are, and a stream costs more than they do. Every other answer is given at its head and streams.
// Must never hold more than the bound, and never let an answer that broke off look whole.
import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { UpstreamResponse } from './egress.ts';
import { unpacked, unpackOf } from './unpacked-body.ts';

const WHOLE_BYTES_MAX = 64 * 1024;

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (response: UpstreamResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #chunks: Buffer[] = [];
  #status = 0;
  #headers: UpstreamResponse['headers'] | undefined;
  #stream: StreamedBody | undefined;
  #unpack: ReturnType<typeof unpackOf> = null;

  /** One of the two is called, once. */
  constructor(resolve: (response: UpstreamResponse) => void, reject: (error: unknown) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  // Without it undici takes this for a handler of its old interface.
  onRequestStart(): void {}

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: RawHeaders): void {
    // An interim answer: the one that counts is still to come. (A 100 that nobody asked for does not get here: undici
    // takes it for a broken answer.)
    if (status < 200) return;
    try {
      this.#unpack = unpackOf(headers['content-encoding']);
    } catch (error) {
      controller.abort(error instanceof Error ? error : new Error('the answer cannot be read'));
      return;
    }
    this.#status = status;
    this.#headers = headersOf(headers);
    if (Number(headers['content-length'] ?? Number.NaN) <= WHOLE_BYTES_MAX) return;
    this.#stream = new StreamedBody(controller);
    this.#answer(this.#stream);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#stream) this.#chunks.push(chunk);
    else if (!this.#stream.push(chunk)) controller.pause();
  }

  onResponseEnd(): void {
    if (this.#stream) this.#stream.finish();
    else this.#answer(new WholeBody(this.#chunks));
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#stream) this.#stream.destroy(error);
    else this.#reject(error);
  }

  #answer(body: UpstreamResponse['body']): void {
    if (!this.#headers) return;
    const answer = { status: this.#status, headers: this.#headers, body };
    this.#resolve(this.#unpack ? unpacked(answer, this.#unpack) : answer);
  }
}

type RawHeaders = Record<string, string | string[] | undefined>;

function headersOf(headers: RawHeaders): UpstreamResponse['headers'] {
  // A present header never has the value undefined; only the type allows it.
  return headers as Record<string, string | string[]>;
}

class WholeBody {
  readonly #chunks: readonly Buffer[];

  constructor(chunks: readonly Buffer[]) {
    this.#chunks = chunks;
  }

  bytes(): Uint8Array {
    const only = this.#chunks[0];
    return only && this.#chunks.length === 1 ? only : Buffer.concat(this.#chunks);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    yield* this.#chunks;
  }
}

class StreamedBody extends Readable {
  readonly #controller: Dispatcher.DispatchController;
  #finished = false;

  constructor(controller: Dispatcher.DispatchController) {
    super();
    this.#controller = controller;
    // Whoever reads is told by the reading; an answer that nobody reads yet must not end the process.
    this.on('error', () => undefined);
  }

  async bytes(): Promise<Uint8Array> {
    return Buffer.concat(await this.toArray());
  }

  finish(): void {
    this.#finished = true;
    this.push(null);
  }

  override _read(): void {
    this.#controller.resume();
  }

  /** A body that is left before its end takes its connection with it. */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#finished) this.#controller.abort(error ?? new Error('the answer was not read to its end'));
    done(error);
  }
}
