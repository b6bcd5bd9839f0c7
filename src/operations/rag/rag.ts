// The `rag` agent: documents indexed and found again by likeness. Config `operation` (or `action`) index|search|delete,
// `chunkStrategy` recursive (default)|fixed|semantic, `chunkSize, overlap` (characters), `topK, minScore, namespace`.
// Input: index `id`, `content` (or `text`), `metadata`; search `query`; delete `id` or `ids`.
// Output: index `{success, id, chunks, namespace, embedder}`, search `{results: [{id, document, score, text, metadata}],
// count, namespace, embedder}`, delete `{success, deleted, namespace}`. The embedder that ships is lexical (embedder.ts).
import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../model/json.ts';
import { loose } from '../../model/schema.ts';
import { AgentError, type Operation, type OperationContext } from '../operation.ts';
import { readConfig, readInput, text } from '../read-values.ts';
import { orAborted } from '../wait.ts';
import { chunk } from './chunk.ts';
import { type Embedder, lexicalEmbedder } from './embedder.ts';

const CONTENT_LENGTH_MAX = 2_000_000;
const Kind = z.enum(['index', 'search', 'delete']);
const id = () =>
  z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^#]*$/, 'must not hold "#"');
const namespace = () => loose(z.string().regex(/^[\w.:/-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 _ . : / -'));

const options = {
  operation: loose(Kind),
  action: loose(Kind),
  topK: loose(z.number().int().min(1).max(100)),
  minScore: loose(z.number().min(-1).max(1)),
  namespace: namespace(),
};

const Config = z.strictObject({
  ...options,
  chunkStrategy: loose(z.enum(['fixed', 'recursive', 'semantic'])),
  chunkSize: loose(z.number().int().min(50).max(8_000)),
  overlap: loose(z.number().int().min(0).max(4_000)),
});

const Input = z.object({
  ...options,
  id: loose(id()),
  ids: loose(z.array(id()).max(1_000)),
  content: text(),
  text: text(),
  query: text(),
  metadata: loose(z.custom<JsonObject>(isJsonObject, 'must be an object')),
});

interface Task {
  readonly context: OperationContext;
  readonly embedder: Embedder;
  readonly config: z.infer<typeof Config>;
  readonly input: z.infer<typeof Input>;
  readonly namespace: string;
}

export function createRag(embedder: Embedder): Operation {
  return {
    name: 'rag',
    config: Config,
    run: async (context) => {
      const config = readConfig(Config, context.config);
      const input = readInput(Input, context.input);
      const kind = config.operation ?? config.action ?? input.operation ?? input.action;
      if (kind === undefined) throw new AgentError('"operation" is missing: index, search or delete.', false);
      const task = { context, embedder, config, input, namespace: config.namespace ?? input.namespace ?? 'default' };
      const work = kind === 'index' ? index(task) : kind === 'search' ? search(task) : remove(task);
      return orAborted(work, context.signal);
    },
  };
}

export const rag = createRag(lexicalEmbedder);

async function index({ config, context, embedder, input, namespace }: Task): Promise<JsonObject> {
  const content = input.content ?? input.text;
  if (content === undefined) throw new AgentError('input.content is missing: index needs text.', false);
  if (content.length > CONTENT_LENGTH_MAX) {
    throw new AgentError(`input.content is longer than ${CONTENT_LENGTH_MAX} characters.`, false);
  }
  const { chunkStrategy = 'recursive', chunkSize = 512, overlap = 0 } = config;
  if (overlap >= chunkSize) throw new AgentError('config.overlap must be less than config.chunkSize.', false);
  const document = input.id ?? crypto.randomUUID();
  const pieces = chunk(content, chunkStrategy, chunkSize, overlap);
  const vectors = await embedder.embed(pieces, context.signal);
  context.signal.throwIfAborted();
  // The former version goes first: it may have had more chunks than this one.
  await context.services.vectors.delete(namespace, [document]);
  await context.services.vectors.upsert(
    namespace,
    pieces.map((piece, number) => ({
      id: `${document}#${number}`,
      vector: vectors[number] ?? new Float32Array(),
      text: piece,
      metadata: input.metadata ?? {},
    })),
  );
  return { success: true, id: document, chunks: pieces.length, namespace, embedder: embedder.name };
}

async function search({ config, context, embedder, input, namespace }: Task): Promise<JsonObject> {
  const { query } = input;
  if (query === undefined) throw new AgentError('input.query is missing: search needs one.', false);
  const topK = config.topK ?? input.topK ?? 5;
  const minScore = config.minScore ?? input.minScore ?? 0;
  const [vector] = await embedder.embed([query], context.signal);
  const found = vector ? await context.services.vectors.search(namespace, vector, topK) : [];
  const results = found
    .filter(({ score }) => score > 0 && score >= minScore)
    .map((hit) => ({ ...hit, document: hit.id.split('#')[0] ?? hit.id }));
  return { results, count: results.length, namespace, embedder: embedder.name };
}

async function remove({ context, input, namespace }: Task): Promise<JsonObject> {
  const ids = input.ids ?? (input.id === undefined ? [] : [input.id]);
  if (ids.length === 0) throw new AgentError('input.id or input.ids is missing: delete needs one.', false);
  await context.services.vectors.delete(namespace, ids);
  return { success: true, deleted: ids, namespace };
}
