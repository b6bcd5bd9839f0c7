// The bytes of the messages that carry statements to the server, written once, straight into one buffer. A list travels
// as a binary array: its texts need no escaping here and no parsing there.

const BYTES_AT_FIRST = 16 * 1024;
/** A longer text is copied faster by the platform than by a loop. */
const SHORT = 40;
const INT8 = 20;
const TEXT = 25;

export class MessageWriter {
  #buffer = Buffer.allocUnsafe(BYTES_AT_FIRST);
  #view = viewOf(this.#buffer);
  #length = 0;

  /** What was written; the writer is used up. */
  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** Whatever the server knows by this name, it shall know this statement by it. */
  parse(name: string, sql: string): void {
    if (name !== '') this.#message('C', () => this.#named('S', name));
    this.#message('P', () => {
      this.#cString(name);
      this.#cString(sql);
      this.#int16(0);
    });
  }

  /** Throws TypeError for a value that cannot be sent. */
  bind(name: string, values: readonly unknown[]): void {
    this.#message('B', () => {
      this.#cString('');
      this.#cString(name);
      this.#int16(values.length);
      for (const value of values) this.#int16(isFilled(value) || value instanceof Uint8Array ? 1 : 0);
      this.#int16(values.length);
      for (const value of values) this.#value(value);
      this.#int16(0);
    });
  }

  describe(): void {
    this.#message('D', () => this.#named('P', ''));
  }

  execute(): void {
    this.#message('E', () => {
      this.#cString('');
      this.#int32(0);
    });
  }

  sync(): void {
    this.#message('S', () => undefined);
  }

  #message(code: string, body: () => void): void {
    this.#room(1);
    this.#buffer[this.#length++] = code.charCodeAt(0);
    this.#sized(body, 4);
  }

  /** A length, as the protocol counts it, before what `body` writes. */
  #sized(body: () => void, counted: 0 | 4): void {
    const start = this.#length;
    this.#int32(0);
    body();
    this.#view.setInt32(start, this.#length - start - 4 + counted);
  }

  #value(value: unknown): void {
    if (value === null || value === undefined) this.#int32(-1);
    else if (isFilled(value)) this.#sized(() => this.#array(value), 0);
    else if (value instanceof Uint8Array) this.#sized(() => this.#raw(value), 0);
    else this.#sized(() => this.#text(plain(value)), 0);
  }

  #raw(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #array(list: readonly unknown[]): void {
    const type = list.some((item) => typeof item === 'number') ? INT8 : TEXT;
    this.#int32(1);
    this.#int32(list.includes(null) ? 1 : 0);
    this.#int32(type);
    this.#int32(list.length);
    this.#int32(1);
    for (const item of list) {
      if (item === null) this.#int32(-1);
      else if (type === INT8) this.#int8(item);
      else this.#item(item);
    }
  }

  #int8(value: unknown): void {
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      throw new TypeError(`A list of integers holds ${String(value)}.`);
    this.#int32(8);
    this.#int32(Math.floor(value / 2 ** 32));
    this.#int32(value);
  }

  #item(value: unknown): void {
    if (typeof value !== 'string') throw new TypeError(`A list of texts holds a ${typeof value}.`);
    const start = this.#length;
    this.#int32(0);
    this.#text(value);
    this.#view.setInt32(start, this.#length - start - 4);
  }

  #named(kind: string, name: string): void {
    this.#text(kind);
    this.#cString(name);
  }

  #cString(text: string): void {
    this.#text(text);
    this.#room(1);
    this.#buffer[this.#length++] = 0;
  }

  #text(text: string): void {
    this.#room(text.length * 3);
    if (text.length > SHORT || !this.#ascii(text)) this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  /** False, with nothing written, when the text holds more than ASCII. */
  #ascii(text: string): boolean {
    const at = this.#length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      this.#buffer[at + index] = code;
    }
    this.#length += text.length;
    return true;
  }

  #int16(value: number): void {
    this.#room(2);
    this.#view.setInt16(this.#length, value);
    this.#length += 2;
  }

  #int32(value: number): void {
    this.#room(4);
    this.#view.setInt32(this.#length, value);
    this.#length += 4;
  }

  #room(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
    this.#view = viewOf(grown);
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** An empty list has no type of its own, and travels as text. */
function isFilled(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0;
}

function plain(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return '{}';
  throw new TypeError(`A ${typeof value} is no value of a statement.`);
}
