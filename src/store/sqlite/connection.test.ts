import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sampleRun } from '../conformance-samples.ts';
import { emptyBatch } from '../write-batch.ts';
import { Connection } from './connection.ts';
import { migrate } from './migrate.ts';
import { writesOf } from './write-statements.ts';

let folder: string;
let writer: Connection;
let reader: Connection;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
  const path = join(folder, 'conductor.db');
  writer = new Connection(path, 'writer');
  migrate(writer.database, path);
  reader = new Connection(path, 'reader');
});

afterEach(async () => {
  reader.close();
  writer.close();
  await rm(folder, { recursive: true });
});

const runs = (count: number) =>
  writesOf({ ...emptyBatch(), newRuns: Array.from({ length: count }, () => sampleRun({ reason: 'x'.repeat(500) })) });

const count = () => reader.query([{ sql: 'select count(*) as runs from run', values: [] }])[0]?.[0]?.runs;

describe('a full disk', () => {
  it('refuses the commit whole, and takes the next one that fits', () => {
    const [row] = writer.query([{ sql: 'pragma page_count', values: [] }])[0] ?? [];
    writer.database.exec(`pragma max_page_count = ${Number(row?.page_count) + 10}`);
    expect(() => writer.commit(runs(1000))).toThrow(/full/);
    expect(count()).toBe(0);
    writer.commit(runs(1));
    expect(count()).toBe(1);
  });
});

describe('a reading connection', () => {
  it('cannot write', () => {
    expect(() => reader.commit(runs(1))).toThrow(/readonly/);
  });

  it('copies the log back beside the writer', () => {
    writer.commit(runs(10));
    reader.checkpoint();
    const [row] = writer.query([{ sql: 'pragma wal_checkpoint(passive)', values: [] }])[0] ?? [];
    expect(row?.checkpointed).toBe(row?.log);
    expect(count()).toBe(10);
  });
});

describe('the write-ahead log', () => {
  it('is bounded by the writer alone when no reader copies it back', async () => {
    const reason = 'x'.repeat(1_000_000);
    for (let written = 0; written < 100; written += 1) {
      writer.commit(writesOf({ ...emptyBatch(), newRuns: [sampleRun({ reason })] }));
    }
    expect((await stat(join(folder, 'conductor.db-wal'))).size).toBeLessThan(40_000_000);
  });
});

describe('the log before the first commit', () => {
  it('has its full size, and the database file is no larger for it', async () => {
    const sizeOf = async (file: string) => (await stat(join(folder, file))).size;
    const before = await sizeOf('conductor.db');
    writer.reserveLog();
    expect(await sizeOf('conductor.db-wal')).toBeGreaterThan(16_000_000);
    expect(await sizeOf('conductor.db')).toBe(before);
    expect(reader.query([{ sql: "select name from sqlite_schema where name = 'log_room'", values: [] }])).toEqual([[]]);
  });
});

describe('migrating', () => {
  it('is done once', () => {
    migrate(writer.database, 'conductor.db');
    const applied = reader.query([{ sql: 'select version, file from schema_migration', values: [] }])[0];
    expect(applied?.map(({ version }) => version)).toEqual(
      applied?.map(({ file }) => Number(String(file).slice(0, 4))),
    );
    expect(new Set(applied?.map(({ version }) => version)).size).toBe(applied?.length);
    expect(applied?.[0]).toEqual({ version: 1, file: '0001-initial.sql' });
  });
});
