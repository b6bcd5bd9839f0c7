import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { packageDependency, packageVersion } from './version.ts';

test('a clone is named by its place, an installed package by its version', () => {
  expect(packageDependency()).toBe(`file:${resolve(import.meta.dirname, '../../..')}`);
  expect(packageDependency(resolve('/home/ada/shop/node_modules/@ensemble-edge/conductor'))).toBe(packageVersion());
});
