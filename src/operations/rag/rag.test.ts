import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../model/json.ts';
import { openBench } from '../testing/operation-context.ts';
import { type ChunkStrategy, chunk } from './chunk.ts';
import { lexicalVector } from './embedder.ts';
import { createRag, rag } from './rag.ts';

const bench = openBench();
afterAll(() => bench.close());

const run = async (config: JsonObject, input: JsonObject) => rag.run(bench.context(input, config));

describe('rag', () => {
  it('finds what was indexed by its words, the likest first', async () => {
    const texts = {
      billing: 'Invoices are sent on the first day of each month.',
      refunds: 'A refund is paid within five days to the same card.',
      pets: 'Cats sleep most of the day.',
    };
    for (const [id, content] of Object.entries(texts)) {
      await run({ operation: 'index' }, { id, content, metadata: { from: id } });
    }
    const found = await run({ operation: 'search', topK: 2 }, { query: 'when is a refund paid' });
    expect(found).toMatchObject({ count: 2, embedder: 'lexical-hash-512', namespace: 'default' });
    expect(found).toMatchObject({
      results: [{ id: 'refunds#0', document: 'refunds', metadata: { from: 'refunds' }, text: texts.refunds }, {}],
    });
    expect(await run({ operation: 'search', minScore: 0.99 }, { query: 'refund' })).toMatchObject({ count: 0 });
    const exact = await run({ operation: 'search', minScore: 0.99 }, { query: texts.pets });
    expect(exact).toMatchObject({ count: 1, results: [{ document: 'pets', score: expect.closeTo(1, 5) }] });
  });

  it('puts a document in the place of its former version, chunks and all', async () => {
    const config = { operation: 'index', chunkSize: 50, namespace: 'versions' };
    const long = Array.from({ length: 10 }, (_, n) => `Paragraph number ${n} about turtles and rivers.`).join('\n\n');
    expect(await run(config, { id: 'doc', content: long })).toMatchObject({ chunks: 10 });
    expect(await run(config, { id: 'doc', content: 'Only turtles now.' })).toMatchObject({ chunks: 1 });
    const search = { operation: 'search', namespace: 'versions', topK: 50 };
    expect(await run(search, { query: 'turtles rivers' })).toMatchObject({ count: 1 });
    await run({ operation: 'delete', namespace: 'versions' }, { id: 'doc' });
    expect(await run(search, { query: 'turtles' })).toMatchObject({ count: 0 });
  });

  it('keeps namespaces apart; input chooses none where the config does', async () => {
    await run({ operation: 'index', namespace: 'a' }, { id: 'x', content: 'apples', namespace: 'b' });
    expect(await run({ operation: 'search' }, { query: 'apples', namespace: 'b' })).toMatchObject({ count: 0 });
    expect(await run({ operation: 'search' }, { query: 'apples', namespace: 'a' })).toMatchObject({ count: 1 });
  });

  it('embeds with whatever stands behind the port', async () => {
    const lengths = createRag({
      name: 'lengths',
      embed: async (texts) => texts.map((text) => Float32Array.of(1, text.length)),
    });
    const index = bench.context({ id: 'x', content: 'abc' }, { operation: 'index', namespace: 'lengths' });
    expect(await lengths.run(index)).toMatchObject({ embedder: 'lengths' });
    const search = bench.context({ query: 'xyz' }, { operation: 'search', namespace: 'lengths' });
    expect(await lengths.run(search)).toMatchObject({ results: [{ score: expect.closeTo(1, 5) }] });
  });

  it('says what is missing', async () => {
    await expect(run({}, {})).rejects.toThrow(/"operation" is missing/);
    await expect(run({ operation: 'index' }, {})).rejects.toThrow(/input\.content is missing/);
    await expect(run({ operation: 'index', overlap: 600 }, { content: 'x' })).rejects.toThrow(/overlap/);
    await expect(run({ operation: 'delete' }, { id: 'a#b' })).rejects.toThrow(/input\.id/);
  });
});

describe('chunks', () => {
  it.each<ChunkStrategy>(['fixed', 'recursive', 'semantic'])('%s: none is too large, no word is lost', (strategy) => {
    const words = fc.array(fc.constantFrom('alpha', 'beta.', '# Head', '\n', '\n\n', 'x'.repeat(70)), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(words, fc.integer({ min: 10, max: 90 }), (parts, size) => {
        const text = parts.join(' ');
        const pieces = chunk(text, strategy, size, 0);
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(size);
        expect(pieces.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''));
      }),
    );
  });

  it('overlap by as much as told', () => {
    expect(chunk('abcdefghij', 'fixed', 4, 1)).toEqual(['abcd', 'defg', 'ghij']);
  });

  it('semantic: keep a heading with what it heads', () => {
    expect(chunk('# One\n\nFirst.\n\n## Two\nSecond.', 'semantic', 100, 0)).toEqual([
      '# One\nFirst.',
      '## Two\nSecond.',
    ]);
  });
});

describe('the lexical embedder', () => {
  it('gives vectors of length 1, the same every time', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const vector = lexicalVector(text);
        const length = Math.hypot(...vector);
        expect(length === 0 || Math.abs(length - 1) < 1e-5).toBe(true);
        expect(lexicalVector(text)).toEqual(vector);
      }),
    );
  });
});
