// Tells that files of a project have changed, once they have come to rest. Watches each directory for itself: a recursive
// watch would take in node_modules and the database, and exists on some systems only.
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { extname, join, resolve } from 'node:path';

export interface Watch {
  close(): void;
}

export interface WatchOptions {
  /** Directories that are not looked at, such as the data directory. */
  readonly ignore?: readonly string[];
  /** How long nothing may change before it is told. 100 ms unless told. */
  readonly restMs?: number;
}

interface Watched {
  readonly watcher: FSWatcher;
  readonly inode: number;
}

const WATCHED = new Set(['', '.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '.yaml', '.yml', '.md']);
const SKIPPED = new Set(['node_modules', 'dist']);
const DIRECTORIES_MAX = 2000;

/** `onChange` is never called after `close`. Editors write in steps: a burst of changes is one. */
export function watchProject(directory: string, onChange: () => void, options: WatchOptions = {}): Watch {
  const ignored = new Set((options.ignore ?? []).map((path) => resolve(path)));
  const watchers = new Map<string, Watched>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  const changed = (name: string | null): void => {
    if (closed || (name !== null && !isWatched(name))) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      follow(resolve(directory));
      onChange();
    }, options.restMs ?? 100);
  };
  const follow = (folder: string): void => {
    if (closed || ignored.has(folder) || watchers.size >= DIRECTORIES_MAX) return;
    const inode = statSync(folder, { throwIfNoEntry: false })?.ino;
    const present = watchers.get(folder);
    // A directory that was removed and made again is another one, and its watcher is deaf.
    if (present && present.inode !== inode) {
      present.watcher.close();
      watchers.delete(folder);
    }
    if (inode === undefined) return;
    if (!watchers.has(folder)) {
      const watcher = tryWatch(folder, changed);
      if (!watcher) return;
      watcher.on('error', () => watcher.close());
      watchers.set(folder, { watcher, inode });
    }
    for (const name of foldersIn(folder)) follow(join(folder, name));
  };

  follow(resolve(directory));
  return {
    close() {
      closed = true;
      clearTimeout(timer);
      for (const { watcher } of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

function tryWatch(folder: string, changed: (name: string | null) => void): FSWatcher | undefined {
  try {
    return watch(folder, (_event, name) => changed(name));
  } catch {
    return undefined;
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !SKIPPED.has(entry.name))
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function isWatched(name: string): boolean {
  return !name.startsWith('.') && !name.endsWith('~') && WATCHED.has(extname(name));
}
