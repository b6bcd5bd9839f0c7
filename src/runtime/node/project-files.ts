// The text files of a project, found as its discovery settings say. Owns walking directories and the limits of what is
// read; must never follow a link out of the project. What is left out is told, not passed over.
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import type { Settings } from '../../config/config-schema.ts';
import type { Problem, SourceFile } from '../../ensembles/project.ts';
import { hasCode } from './error-code.ts';

export interface ProjectFiles {
  /** Ordered by path, so that the same project reads the same everywhere. */
  readonly files: readonly SourceFile[];
  readonly problems: readonly Problem[];
}

const FILE_BYTES_MAX = 1024 * 1024;
const FILES_MAX = 10_000;
const DEPTH_MAX = 16;

/** A directory that is not there holds no files. */
export async function readProject(directory: string, discovery: Settings['discovery']): Promise<ProjectFiles> {
  const reader = new Reader(resolve(directory));
  const { agents, docs, ensembles } = discovery;
  for (const part of [ensembles, agents]) if (part.enabled) await reader.read(part, () => true);
  const isReadme = (path: string) => /(^|\/)readme\.md$/i.test(path);
  if (docs.enabled) await reader.read(docs, (path) => !(docs.excludeReadme && isReadme(path)));
  return reader.result();
}

interface Part {
  readonly directory: string;
  readonly patterns: readonly string[];
  readonly excludeDirs: readonly string[];
}

class Reader {
  readonly #root: string;
  readonly #realRoot: string;
  readonly #files = new Map<string, SourceFile>();
  readonly #problems: Problem[] = [];

  constructor(root: string) {
    this.#root = root;
    this.#realRoot = realpathSync(root);
  }

  result(): ProjectFiles {
    const files = [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
    return { files, problems: this.#problems };
  }

  async read(part: Part, wanted: (path: string) => boolean): Promise<void> {
    const patterns = part.patterns.map(compilePattern);
    const matches = (path: string) => patterns.some((pattern) => pattern.test(path)) && wanted(path);
    await this.#walk(part.directory, '', 0, part, matches);
  }

  async #walk(base: string, inside: string, depth: number, part: Part, matches: (path: string) => boolean) {
    const folder = joined(base, inside);
    if (depth > DEPTH_MAX) {
      this.#problem(folder, `lies deeper than ${DEPTH_MAX} directories and is not read.`);
      return;
    }
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch((error: unknown) => {
      if (!hasCode(error, 'ENOENT')) this.#problem(folder, 'cannot be read.');
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = joined(inside, entry.name);
      if (entry.isDirectory()) {
        const skipped = entry.name.startsWith('.') || part.excludeDirs.includes(entry.name);
        if (!skipped) await this.#walk(base, path, depth + 1, part, matches);
      } else if (matches(path)) this.#take(joined(base, path));
    }
  }

  #take(path: string): void {
    if (this.#files.has(path)) return;
    if (this.#files.size >= FILES_MAX) {
      if (this.#files.size === FILES_MAX) this.#problem(path, `is not read: a project may have ${FILES_MAX} files.`);
      return;
    }
    const absolute = join(this.#root, path);
    try {
      if (!realpathSync(absolute).startsWith(join(this.#realRoot, sep))) {
        this.#problem(path, 'leads out of the project and is not read.');
        return;
      }
      const stat = statSync(absolute);
      if (!stat.isFile()) return;
      if (stat.size > FILE_BYTES_MAX) this.#problem(path, `is larger than ${FILE_BYTES_MAX} bytes and is not read.`);
      else this.#files.set(path, { path, text: readFileSync(absolute, 'utf8').replace(/^\uFEFF/, '') });
    } catch {
      this.#problem(path, 'cannot be read.');
    }
  }

  #problem(file: string, what: string): void {
    const message = `${file} ${what}`;
    this.#problems.push({ severity: 'error', position: { file, line: 1, column: 1 }, message, hint: null });
  }
}

/** `**` and a slash: any folders; `*`: anything but a slash; `?`: one such character. */
export function compilePattern(pattern: string): RegExp {
  const source = pattern
    .replace(/^\.\//, '')
    .split(/(\*\*\/|\*+|\?)/)
    .map((part) => {
      if (part === '**/') return '(?:[^/]+/)*';
      if (part === '?') return '[^/]';
      return /^\*+$/.test(part) ? '[^/]*' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}$`);
}

function joined(a: string, b: string): string {
  return [a, b].filter((part) => part !== '' && part !== '.').join('/');
}
