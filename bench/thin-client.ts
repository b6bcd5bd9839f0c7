// HTTP/1.1 over keep-alive sockets, as thin as it can be: a load driver shares the machine with what it measures, and
// what it uses is missing there. Knows no more than the answers of benches: a length or chunks, no redirects, no pushes.
import { connect, type Socket } from 'node:net';

export interface ThinReply {
  readonly status: number;
  readonly body: string;
}

interface Options {
  readonly connections: number;
  readonly timeoutMs: number;
  /** Idle for longer than this, a connection is not used again: some servers cut theirs after 5 s. */
  readonly idleMs: number;
}

interface Caller {
  readonly bytes: string;
  readonly resolve: (reply: ThinReply) => void;
  readonly reject: (error: Error) => void;
}

const HEADERS_END = '\r\n\r\n';
const LAST_CHUNK = '\r\n0\r\n\r\n';

export class ThinClient {
  readonly #url: URL;
  readonly #options: Options;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting: Caller[] = [];

  constructor(origin: string, options: Options) {
    this.#url = new URL(origin);
    this.#options = options;
  }

  request(method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): Promise<ThinReply> {
    let head = `${method} ${path} HTTP/1.1\r\nhost: ${this.#url.host}\r\n`;
    for (const name in headers) head += `${name}: ${headers[name]}\r\n`;
    if (body !== '' || method !== 'GET') head += `content-length: ${Buffer.byteLength(body)}\r\n`;
    return new Promise((resolve, reject) => {
      const caller = { bytes: `${head}\r\n${body}`, resolve, reject };
      const connection = this.#take();
      if (connection) connection.send(caller);
      else this.#waiting.push(caller);
    });
  }

  close(): void {
    for (const connection of this.#all) connection.end();
  }

  #take(): Connection | undefined {
    for (let free = this.#free.pop(); free; free = this.#free.pop()) {
      if (free.isFresh(this.#options.idleMs)) return free;
      free.end();
    }
    return this.#all.size < this.#options.connections ? this.#open() : undefined;
  }

  #open(): Connection {
    const socket = connect({ host: this.#url.hostname, port: Number(this.#url.port), noDelay: true });
    const connection: Connection = new Connection(socket, this.#options.timeoutMs, {
      free: () => {
        const next = this.#waiting.shift();
        if (next) connection.send(next);
        else this.#free.push(connection);
      },
      closed: () => {
        this.#all.delete(connection);
        const at = this.#free.indexOf(connection);
        if (at >= 0) this.#free.splice(at, 1);
        const next = this.#waiting.shift();
        if (next) this.#open().send(next);
      },
    });
    this.#all.add(connection);
    return connection;
  }
}

/** One request at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #free: () => void;
  #caller: Caller | null = null;
  #received: Buffer | null = null;
  #freeSinceMs = 0;

  constructor(socket: Socket, timeoutMs: number, on: { readonly free: () => void; readonly closed: () => void }) {
    this.#socket = socket;
    this.#free = on.free;
    let reason = new Error('The server closed the connection before it had answered.');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`No answer within ${timeoutMs} ms.`)));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => {
      const caller = this.#caller;
      this.#caller = null;
      on.closed();
      caller?.reject(reason);
    });
  }

  isFresh(idleMs: number): boolean {
    return !this.#socket.destroyed && performance.now() - this.#freeSinceMs <= idleMs;
  }

  send(caller: Caller): void {
    this.#caller = caller;
    this.#socket.write(caller.bytes);
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#received ? Buffer.concat([this.#received, chunk]) : chunk;
    const reply = replyOf(bytes);
    this.#received = reply ? null : bytes;
    const caller = this.#caller;
    if (!reply || !caller) return;
    this.#caller = null;
    this.#freeSinceMs = performance.now();
    this.#free();
    caller.resolve(reply);
  }
}

/** Null while it is not whole. */
function replyOf(bytes: Buffer): ThinReply | null {
  const headEnd = bytes.indexOf(HEADERS_END);
  if (headEnd < 0) return null;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = Number(head.slice(9, 12));
  const from = headEnd + HEADERS_END.length;
  const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
  if (length !== undefined) {
    const to = from + Number(length);
    return bytes.length < to ? null : { status, body: bytes.toString('utf8', from, to) };
  }
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return { status, body: '' };
  const whole = bytes.length >= from + 5 && bytes.toString('latin1', bytes.length - LAST_CHUNK.length) === LAST_CHUNK;
  const empty = bytes.toString('latin1', from) === LAST_CHUNK.slice(2);
  return whole || empty ? { status, body: empty ? '' : unchunked(bytes, from) } : null;
}

function unchunked(bytes: Buffer, from: number): string {
  const chunks: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    if (!(size > 0)) return Buffer.concat(chunks).toString();
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
