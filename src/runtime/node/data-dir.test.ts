import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { dataDirFault, makeDataDir } from './data-dir.ts';

test('every missing folder is made, for its owner alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'conductor-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const data = join(folder, 'a', 'b');
  makeDataDir(data);
  makeDataDir(data);
  expect(statSync(data).mode & 0o777).toBe(0o700);
});

test.each([
  [
    'EACCES',
    'permission is denied for /d/master.key. Choose another with --data (CONDUCTOR_DATA), or change its owner.',
  ],
  ['EROFS', 'nothing can be written at /d/master.key. Choose another with --data (CONDUCTOR_DATA).'],
  ['EIO', 'EIO: it broke. Choose another with --data (CONDUCTOR_DATA).'],
])('%s is told in words', (code, words) => {
  const error = Object.assign(new Error(`${code}: it broke`), { code });
  expect(dataDirFault('/d', '/d/master.key', error).message).toBe(`The data directory /d cannot be used: ${words}`);
});
