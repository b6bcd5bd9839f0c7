// What ensembles, agents and steps may be called. Names stand in paths, in permissions (`ensemble:<name>:execute`) and
// in expressions, so they hold nothing that those read otherwise.
import type { Cursor } from './cursor.ts';

const NAME = /^[A-Za-z0-9_][\w.-]{0,199}$/;
/** As an expression reads a name: hyphens only between word characters. */
const STEP_KEY = /^[A-Za-z_]\w*(?:-\w+)*$/;
/** Words that mean something in an expression already. */
const TAKEN = new Set([
  ...['input', 'trigger', 'state', 'env', 'true', 'false', 'null', 'undefined', 'in', 'typeof'],
  ...['constructor', 'prototype', '__proto__'],
]);

export function readName(cursor: Cursor, what: string): string | undefined {
  const name = cursor.text(`name: my-${what}`);
  if (name === undefined) return undefined;
  if (NAME.test(name)) return name;
  const mended = name
    .trim()
    .replaceAll(/[^\w.-]+/g, '-')
    .replace(/^[-.]+/, '')
    .replace(/-+$/, '');
  cursor.error(
    `"${name}" cannot be the name of an ${what}: letters, digits, "-", "_" and "." only, up to 200`,
    mended === '' ? null : `Write \`name: ${mended.slice(0, 200)}\`.`,
  );
  return undefined;
}

/** What is wrong with a step of this name, or null. */
export function stepKeyFault(key: string): string | null {
  if (TAKEN.has(key)) return `"${key}" cannot be the name of a step: it means something else in expressions`;
  if (STEP_KEY.test(key) && key.length <= 200) return null;
  return `"${key}" cannot be the name of a step: expressions could not name it`;
}
