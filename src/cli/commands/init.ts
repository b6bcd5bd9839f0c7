// `init`: a project that runs at once. Must never write over files that are there, unless told to.
import { basename, resolve } from 'node:path';
import type { CliCommand } from '../command.ts';
import { starterFiles } from '../templates/starter.ts';

export const init: CliCommand = {
  path: ['init'],
  summary: 'Make a project',
  args: [['[directory]', 'where (the current one)']],
  options: [
    ['--force', 'also where there are files already; those of the same name are replaced'],
    ['-y, --yes', 'ask nothing (nothing is asked anyway)'],
  ],
  async run({ host, io, style }, input) {
    const directory = input.arg(0) || '.';
    const files = starterFiles(packageName(basename(resolve(directory))), host.dependency);
    const written = host.writeFiles(directory, files, input.flag('force'));
    io.out(`${style.good('✓')} Project made in ${directory}\n`);
    for (const path of written) io.out(style.dim(`  ${path}\n`));
    const steps = ['npm install', 'npx conductor dev'];
    if (directory !== '.') steps.unshift(`cd ${shellWord(directory)}`);
    io.out(`Next:\n${steps.map((step) => `  ${step}\n`).join('')}`);
    io.out('Then, in another terminal:\n  curl "http://127.0.0.1:8080/hello?name=Ada"\n');
    return 0;
  },
};

/** As a shell takes it for one word, so that the line can be pasted. */
function shellWord(text: string): string {
  return /^[\w./:@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What npm takes for a name. */
function packageName(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+|-+$/g, '')
    .slice(0, 100);
  return name === '' ? 'my-project' : name;
}
