// The body of an answer that came packed although it was asked for plain: what is to be read and searched must be what was
// said. Must never give more than it was asked to read, nor make a broken body look whole.
import { pipeline, Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { UpstreamResponse } from './egress.ts';

type Unpack = () => Transform;

const UNPACKERS = new Map<string, Unpack>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/** null: it is plain. Throws for a way of packing that is not known. */
export function unpackOf(encoding: string | readonly string[] | undefined): Unpack | null {
  const name = `${encoding ?? ''}`.trim().toLowerCase();
  if (name === '' || name === 'identity') return null;
  const unpack = UNPACKERS.get(name);
  if (!unpack) throw new Error('the answer is packed in a way that is not known here');
  return unpack;
}

/** The answer as it would have come plain; how long that is nobody has said. */
export function unpacked({ status, headers, body }: UpstreamResponse, unpack: Unpack): UpstreamResponse {
  const { 'content-encoding': _encoding, 'content-length': _length, ...kept } = headers;
  return { status, headers: kept, body: new UnpackedBody(body, unpack) };
}

class UnpackedBody {
  readonly #packed: AsyncIterable<Uint8Array>;
  readonly #unpack: Unpack;

  constructor(packed: AsyncIterable<Uint8Array>, unpack: Unpack) {
    this.#packed = packed;
    this.#unpack = unpack;
  }

  async bytes(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    // Whoever reads is told of a failure by the reading; leaving early ends both, and the connection with them.
    const plain: AsyncIterable<Uint8Array> = pipeline(Readable.from(this.#packed), this.#unpack(), () => undefined);
    return plain[Symbol.asyncIterator]();
  }
}
