#!/usr/bin/env node
// `ensemble conductor …`: the same commands under the name that the documentation of Ensemble uses.
import { nodeHost } from '../runtime/node/cli-host.ts';
import { nodeIo } from './node-io.ts';
import { run } from './run.ts';

const [product, ...rest] = process.argv.slice(2);
if (product === 'conductor') {
  process.exitCode = await run(rest, nodeIo(), nodeHost(), 'ensemble conductor');
} else {
  process.stderr.write('Usage: ensemble conductor <command>. For a list: ensemble conductor --help\n');
  process.exitCode = 2;
}
