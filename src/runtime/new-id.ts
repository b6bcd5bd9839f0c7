// Public ids: UUIDs of version 7, ascending in time. Random numbers are fetched in bulk: asking the system for eight bytes
// at a time costs more than the rest of an id.
import { V7Generator } from 'uuidv7';

const WORDS = 512;

export function createNewId(): () => string {
  const pool = new Uint32Array(WORDS);
  let at = WORDS;
  const nextUint32 = (): number => {
    if (at >= WORDS) {
      crypto.getRandomValues(pool);
      at = 0;
    }
    const word = pool[at] ?? 0;
    at += 1;
    return word;
  };
  const generator = new V7Generator({ nextUint32 });
  return () => uuidText(generator.generate().bytes);
}

const DASH = 45;
const DIGITS = Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** In one piece: a text put together of 36 others is ten times its size, and every task has an id. */
function uuidText(bytes: Readonly<Uint8Array>): string {
  const codes: number[] = [];
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (index === 4 || index === 6 || index === 8 || index === 10) codes.push(DASH);
    codes.push(DIGITS[byte >> 4] ?? 0, DIGITS[byte & 15] ?? 0);
  }
  return String.fromCharCode(...codes);
}
