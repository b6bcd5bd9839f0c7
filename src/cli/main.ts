#!/usr/bin/env node
// `conductor …`
import { nodeHost } from '../runtime/node/cli-host.ts';
import { nodeIo } from './node-io.ts';
import { run } from './run.ts';

process.exitCode = await run(process.argv.slice(2), nodeIo(), nodeHost());
