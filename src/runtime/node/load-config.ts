// Finds and loads a project's configuration file, of which there is at most one. Owns reading it; what it may say is
// config's business. Must never pick one of two files: nobody could tell which of them holds.
import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../../config/config-error.ts';
import type { Environment } from '../../config/environment.ts';
import {
  type ConfigFlags,
  type ConfigSource,
  type ResolvedConfig,
  resolveConfig,
} from '../../config/resolve-config.ts';
import type { SourcePosition } from '../../model/agent.ts';
import { findConfig } from './find-config.ts';
import { forgetModules, importModule, ModuleError } from './project-modules.ts';

const FILE_BYTES_MAX = 1024 * 1024;

/** Reads the file as it is now. Throws ConfigError, and nothing else. */
export async function loadConfig(
  directory: string,
  env: Environment,
  flags: ConfigFlags = {},
): Promise<ResolvedConfig> {
  const root = resolve(directory);
  const file = findConfig(root);
  return resolveConfig(file === null ? null : await readSource(root, file), env, flags);
}

async function readSource(directory: string, file: string): Promise<ConfigSource> {
  const path = join(directory, file);
  if (file.endsWith('.json')) return { file, value: readJson(path, file) };
  forgetModules(directory);
  try {
    const module = await importModule(directory, path);
    return { file, value: 'default' in module ? module.default : { ...module } };
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    const { column, line, message } = error;
    const position = { file: error.file, line, column };
    throw new ConfigError([{ path: '', message: `cannot be loaded: ${message}`, hint: null, position }], file);
  }
}

function readJson(path: string, file: string): unknown {
  const refuse = (message: string, position?: SourcePosition) =>
    new ConfigError([{ path: '', message, hint: null, ...(position && { position }) }], file);
  let text: string;
  try {
    if (statSync(path).size > FILE_BYTES_MAX) throw refuse(`is larger than ${FILE_BYTES_MAX} bytes.`);
    text = readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw error instanceof ConfigError ? error : refuse('cannot be read.');
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    const [place, offset] = / in JSON at position (\d+).*$/.exec(message) ?? [];
    // Without a place the text itself is shown, which may hold a secret.
    if (place === undefined) throw refuse(`is not valid JSON: ${message.replace(/, (\.{3})?"[\s\S]*$/, '')}`);
    throw refuse(`is not valid JSON: ${message.replace(place, '')}`, { file, ...placeOf(text, Number(offset)) });
  }
}

function placeOf(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
