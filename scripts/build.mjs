// TypeScript to dist/, with the files that the compiler leaves behind (SQL, JSON, HTML) copied next to their module.
// Incremental: a second build with nothing changed takes about a second. Silent unless something is wrong.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const SOURCES = ['src', 'examples', 'bench'];
const ASSET = /\.(sql|json|html|css|svg|ya?ml)$/;

process.chdir(root);
removeStale();
const compiled = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (compiled.status !== 0) process.exit(compiled.status ?? 1);
copyAssets();
makeBinsExecutable();

/** Output of a module that was renamed or deleted must not stay importable. */
function removeStale() {
  for (const file of filesUnder(dist)) {
    const source = /^(.*?)(\.d\.ts|\.js)$/.exec(file);
    if (source && !existsSync(join(root, `${source[1]}.ts`))) rmSync(join(dist, file));
  }
}

function copyAssets() {
  for (const folder of SOURCES) {
    for (const file of filesUnder(join(root, folder))) {
      const from = join(root, folder, file);
      const to = join(dist, folder, file);
      if (!ASSET.test(file) || /(results|peers)\.json$/.test(file)) continue;
      if (!existsSync(to) || statSync(to).mtimeMs < statSync(from).mtimeMs) cpSync(from, to);
    }
  }
}

function makeBinsExecutable() {
  const { bin = {} } = JSON.parse(readFileSync('package.json', 'utf8'));
  for (const file of Object.values(bin)) if (existsSync(file)) chmodSync(file, 0o755);
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
