// Vectors on the agents' database. A search compares with every vector of its namespace, held in memory: exact, and fast
// to some 50,000. Owns that memory: the namespaces last searched stay, and what another process wrote is read again.
import type { JsonObject } from '../../../model/json.ts';
import { isJsonObject } from '../../../model/json.ts';
import type { VectorStore } from '../../../operations/operation.ts';
import type { AgentsDatabase } from './agents-database.ts';

const NAMESPACES_HELD_MAX = 16;

const UPSERT = `insert into vector values (?, ?, ?, ?, ?)
  on conflict do update set vector = excluded.vector, body = excluded.body, metadata = excluded.metadata
  returning 1 as done`;
/** "#" and the character after it bound the chunks of a document, whatever their number. */
const DELETE =
  "delete from vector where namespace = ? and (id = ? or (id > ? || '#' and id < ? || '$')) returning 1 as done";
const ALL = 'select id, vector from vector where namespace = ? order by id';
const ONE = 'select body, metadata from vector where namespace = ? and id = ?';

interface Held {
  readonly id: string;
  readonly vector: Float32Array;
}

interface Hit {
  readonly id: string;
  readonly score: number;
}

export function createVectorStore(database: AgentsDatabase): VectorStore {
  const held = new Map<string, readonly Held[]>();
  let version: unknown;

  function vectorsOf(namespace: string): readonly Held[] {
    // Changes with every write of another connection; our own writes drop what they touch.
    const [row] = database.all('pragma data_version');
    if (row?.data_version !== version) held.clear();
    version = row?.data_version;
    const vectors = held.get(namespace) ?? load(namespace);
    held.delete(namespace);
    held.set(namespace, vectors);
    for (const oldest of held.keys()) {
      if (held.size <= NAMESPACES_HELD_MAX) break;
      held.delete(oldest);
    }
    return vectors;
  }

  function load(namespace: string): readonly Held[] {
    return database.all(ALL, namespace).map((row) => ({ id: String(row.id), vector: decoded(String(row.vector)) }));
  }

  return {
    upsert: async (namespace, entries) => {
      held.delete(namespace);
      database.within(() => {
        for (const { id, metadata, text, vector } of entries) {
          database.all(UPSERT, namespace, id, encoded(vector), text, JSON.stringify(metadata));
        }
      });
    },
    search: async (namespace, vector, topK) =>
      best(vectorsOf(namespace), vector, topK).flatMap(({ id, score }) => {
        const [row] = database.all(ONE, namespace, id);
        return row ? [{ id, score, text: String(row.body), metadata: metadataOf(String(row.metadata)) }] : [];
      }),
    delete: async (namespace, ids) => {
      held.delete(namespace);
      database.within(() => {
        for (const id of ids) database.all(DELETE, namespace, id, id, id);
      });
    },
  };
}

/** Those of another length were made by another embedder, and are like nothing. */
function best(vectors: readonly Held[], wanted: Float32Array, topK: number): readonly Hit[] {
  const hits: Hit[] = [];
  const norm = lengthOf(wanted);
  if (norm === 0) return hits;
  for (const { id, vector } of vectors) {
    if (vector.length !== wanted.length) continue;
    let sum = 0;
    for (let index = 0; index < vector.length; index += 1) sum += (vector[index] ?? 0) * (wanted[index] ?? 0);
    const length = lengthOf(vector) * norm;
    if (length > 0) insert(hits, { id, score: sum / length }, topK);
  }
  return hits;
}

function insert(hits: Hit[], hit: Hit, topK: number): void {
  if (hits.length === topK && hit.score <= (hits.at(-1)?.score ?? 0)) return;
  const place = hits.findIndex(({ score }) => score < hit.score);
  hits.splice(place < 0 ? hits.length : place, 0, hit);
  hits.length = Math.min(hits.length, topK);
}

function lengthOf(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** As text: the drivers do not agree about how bytes are bound. */
function encoded(vector: Float32Array): string {
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

function decoded(text: string): Float32Array {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  return new Float32Array(bytes.buffer, 0, Math.floor(bytes.byteLength / Float32Array.BYTES_PER_ELEMENT));
}

function metadataOf(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  return isJsonObject(value) ? value : {};
}
