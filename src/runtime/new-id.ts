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
  return () => generator.generate().toString();
}
