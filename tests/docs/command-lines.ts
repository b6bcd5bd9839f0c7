// The command lines that pages print: taken apart as a shell does, and given to the real command line, over a host that
// can do nothing. So names, flags, arguments and what a command itself asks for are judged by the code, and nothing runs.
import { Script } from 'node:vm';
import { runCli } from '../../src/cli/cli.fixture.ts';
import { CliError, type CliHost } from '../../src/cli/host.ts';

const nothing = (): never => {
  throw new CliError('Nothing is done here.');
};

const NOWHERE: CliHost = {
  version: '0.0.0',
  dependency: '0.0.0',
  isProject: () => true,
  loadConfig: nothing,
  loadProject: nothing,
  handlerFault: nothing,
  watch: nothing,
  execute: nothing,
  writeFiles: nothing,
  wrangler: nothing,
  buildCloudflare: nothing,
  serve: nothing,
  connect: nothing,
  running: () => undefined,
  openStore: nothing,
  checkDatabase: nothing,
  masterKeyFile: () => null,
  writable: () => true,
};

/** Other programs' commands that pages may name; a whole line each. */
const FOREIGN = [
  /^npm (ci|test)$/,
  /^npm install( -D)?( [@\w./-]+)*$/,
  /^cd [\w./-]+$/,
  /^npx wrangler kv namespace create "\w+"$/,
  /^npx wrangler deploy( --config [\w./-]+)?$/,
  /^npx tsx [\w-]+\.mts$/,
  /^export [A-Z_]+=\S+$/,
  /^export [A-Z_]+="\$\(cat data\/local\.key\)"$/,
];

/** Lines as typed: a backslash at the end joins two, `#` begins a comment. */
export function linesOf(text: string): string[] {
  return text
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '');
}

/** What is wrong with a line, or undefined. */
export async function faultOf(line: string, scripts: Readonly<Record<string, string>>): Promise<string | undefined> {
  const faults = await Promise.all(line.split(/\s&&\s/).map((command) => commandFault(command.trim(), scripts)));
  return faults.find((fault) => fault !== undefined);
}

async function commandFault(command: string, scripts: Readonly<Record<string, string>>): Promise<string | undefined> {
  const [, code] = /^node -e "([^"]*)"$/.exec(command) ?? [];
  if (code !== undefined) return syntaxFault(code);
  if (FOREIGN.some((pattern) => pattern.test(command))) return undefined;
  const [, script] = /^npm run ([\w-]+)(?: -- .*)?$/.exec(command) ?? [];
  if (script !== undefined) return script in scripts ? undefined : script;
  const [, rest] = /^(?:npx )?(?:ensemble )?conductor (.*)$/.exec(command) ?? [];
  if (rest === undefined) return `not a command that pages may name: ${command}`;
  const { exitCode, err } = await runCli(wordsOf(rest), NOWHERE, { stdin: '{}' });
  return exitCode === 2 ? err : undefined;
}

function syntaxFault(code: string): string | undefined {
  try {
    new Script(code);
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function wordsOf(text: string): string[] {
  return [...text.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+))/g)].map(
    ([, double, single, bare]) => double?.replaceAll(/\\(.)/g, '$1') ?? single ?? bare ?? '',
  );
}
