// Text to vectors. The one that ships is lexical: it hashes words and runs of characters, so it finds shared words and
// spellings, not shared meaning. It needs no model, no network and gives the same vector everywhere. A model goes behind
// the same port.

export interface Embedder {
  /** Stored with a search's answer, so that nobody takes it for what it is not. */
  readonly name: string;
  /** One vector of length 1 per text; of length 0 for a text without a word. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<readonly Float32Array[]>;
}

const DIMENSIONS = 512;
const GRAM_LENGTH = 3;
/** A word says more than a run of characters of it. */
const GRAM_WEIGHT = 0.3;

export const lexicalEmbedder: Embedder = {
  name: `lexical-hash-${DIMENSIONS}`,
  embed: async (texts) => texts.map(lexicalVector),
};

export function lexicalVector(text: string): Float32Array {
  const counts = new Map<string, number>();
  const words =
    text
      .toLowerCase()
      .normalize('NFKC')
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  for (const word of words) for (const feature of featuresOf(word)) counts.set(feature, (counts.get(feature) ?? 0) + 1);
  const vector = new Float32Array(DIMENSIONS);
  for (const [feature, count] of counts) {
    const hash = hashOf(feature);
    // The sign keeps two features that meet in one place from always adding up.
    const weight = (hash & 0x8000_0000 ? -1 : 1) * (feature.startsWith('w') ? 1 : GRAM_WEIGHT);
    const index = hash % DIMENSIONS;
    // A word said ten times counts about three times as much as one said once.
    vector[index] = (vector[index] ?? 0) + weight * (1 + Math.log(count));
  }
  return normalised(vector);
}

function featuresOf(word: string): string[] {
  const padded = ` ${word} `;
  const features = [`w ${word}`];
  for (let start = 0; start + GRAM_LENGTH <= padded.length; start += 1) {
    features.push(`g ${padded.slice(start, start + GRAM_LENGTH)}`);
  }
  return features;
}

function normalised(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  return length === 0 ? vector : vector.map((value) => value / length);
}

/** FNV-1a, finished so that its high and low bits are equally well mixed. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
