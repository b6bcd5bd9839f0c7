// Looks at what a configuration file exported before any schema does: is it plain data, and is an environment variable
// unset that it was built from? Schemas take undefined for "not said"; a key list that is empty by accident is not that.
import type { ConfigFault } from './config-error.ts';
import { isTree, type Tree, valueAt } from './layers.ts';

const DEPTH_MAX = 16;
const VALUES_MAX = 10_000;
/** Where a key that is written down but undefined is a mistake: credentials, and where data lies. */
const MUST_BE_SET = new Set(['auth', 'databases', 'egress']);

export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const key of path) {
    if (typeof key === 'number') text += `[${key}]`;
    else text += text === '' ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** `known`: what other layers say; a value of theirs stands in for an undefined one. */
export function sourceFaults(source: Tree, known: Tree): ConfigFault[] {
  const faults: ConfigFault[] = [];
  let values = 0;
  const fault = (path: readonly PropertyKey[], message: string) =>
    void faults.push({ path: pathText(path), message, hint: null });
  const walk = (value: unknown, path: readonly PropertyKey[]): void => {
    values += 1;
    if (values > VALUES_MAX || path.length > DEPTH_MAX) {
      if (faults.length === 0) fault(path.slice(0, 3), 'is too large or too deep for a configuration.');
      return;
    }
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length && values <= VALUES_MAX; i += 1) walk(value[i], [...path, i]);
    } else if (isTree(value)) {
      for (const [key, member] of Object.entries(value)) walk(member, [...path, key]);
      if (Object.hasOwn(value, '__proto__')) fault(path, 'must not hold the key "__proto__".');
    } else if (value === undefined) {
      const inList = typeof path.at(-1) === 'number';
      const needed = inList || (MUST_BE_SET.has(String(path[0])) && valueAt(known, path) === undefined);
      if (needed) fault(path, 'is undefined: is an environment variable unset?');
    }
  };
  walk(source, []);
  return faults;
}
