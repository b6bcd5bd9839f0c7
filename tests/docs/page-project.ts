// The project that a page builds: every fence that names its file, and every other whole YAML file. Also the environment
// that its texts ask for. A page must hang together: what it shows side by side has to work side by side.
import type { Fence, Page } from './pages.ts';

const CONFIG = 'conductor.config.ts';

/** Path to text. Handlers that agents of the page name and the page does not show are there, and do nothing. */
export function projectOf({ fences }: Page): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const [index, fence] of fences.entries()) {
    const path = fence.file ?? (isWholeYaml(fence) ? `ensembles/unnamed-${index}.yaml` : null);
    if (path === null) continue;
    // Several configurations on a page are several choices: none of them is the page's own.
    if (path === CONFIG && fences.filter(({ file }) => file === CONFIG).length > 1) continue;
    if (files.has(path)) throw new Error(`${fence.at}: ${path} is shown twice on one page`);
    files.set(path, fence.text);
  }
  for (const path of missingHandlers(files)) files.set(path, 'export default () => ({});\n');
  return files;
}

/** Marked YAML is a part of a file, or wrong on purpose. */
export function isWholeYaml({ language, mark }: Fence): boolean {
  return language === 'yaml' && mark === '';
}

/** Variables that a page's texts read, each with a value that is fit for a secret, a URL or a `user:password`. */
export function environmentOf({ fences }: Page): Readonly<Record<string, string>> {
  const text = fences.map((fence) => fence.text).join('\n');
  const names = [...text.matchAll(/(?<!process\.)\benv\.([A-Z][A-Z0-9_]+)|process\.env\.([A-Z][A-Z0-9_]+)/g)];
  return Object.fromEntries(names.map(([, a = '', b = '']) => [a || b, valueFor(a || b)]));
}

function valueFor(name: string): string {
  if (name.endsWith('_URL')) return 'https://example.com';
  if (name.endsWith('USERS')) return 'ann:one-long-password,bob:another-long-password';
  return `a-secret-for-${name.toLowerCase()}-of-the-docs`;
}

function missingHandlers(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) => {
    const folder = /^(agents\/.+)\/agent\.ya?ml$/.exec(path)?.[1];
    if (folder === undefined || !/^operation: code$|^agent:/m.test(text)) return [];
    const handler = `${folder}/${/^handler: \.\/(\S+)$/m.exec(text)?.[1] ?? 'index.ts'}`;
    return files.has(handler) ? [] : [handler];
  });
}
