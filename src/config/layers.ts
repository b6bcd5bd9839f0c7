// Configuration as layers of plain trees: file, environment, flags. Owns laying them over each other and the question
// which layer a value came from. Lists and everything that is no plain object are one value.

export type Tree = { [key: string]: unknown };

export interface Layer {
  readonly tree: Tree;
  /** `file:conductor.config.ts`, `env:CONDUCTOR_PORT`, `flag --port`. */
  readonly origin: string;
}

export function isTree(value: unknown): value is Tree {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** A tree with one value at a path. */
export function treeOf(path: readonly string[], value: unknown): Tree {
  const [first = '', ...rest] = path;
  return { [first]: rest.length === 0 ? value : treeOf(rest, value) };
}

/** Later layers win; undefined is no value. The layers themselves are left alone. */
export function overlay(layers: readonly Layer[]): Tree {
  const merged: Tree = {};
  for (const { tree } of layers) lay(merged, tree);
  return merged;
}

function lay(target: Tree, over: Tree): void {
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const present = Object.hasOwn(target, key) ? target[key] : undefined;
    if (!isTree(value)) target[key] = value;
    else if (isTree(present)) lay(present, value);
    else {
      const copy: Tree = {};
      target[key] = copy;
      lay(copy, value);
    }
  }
}

/** The value at a path, undefined where there is none. */
export function valueAt(tree: unknown, path: readonly PropertyKey[]): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** The last layer that says something at a path, or above it (a whole block that is no tree). */
export function originAt(layers: readonly Layer[], path: readonly PropertyKey[]): string | undefined {
  return layers.findLast(({ tree }) => valueAt(tree, path) !== undefined)?.origin;
}

/** Every value of a tree with its path; an empty tree is a value too. */
export function* leaves(tree: unknown, path: readonly string[] = []): Generator<readonly [readonly string[], unknown]> {
  if (!isTree(tree) || Object.keys(tree).length === 0) {
    yield [path, tree];
    return;
  }
  for (const [key, value] of Object.entries(tree)) yield* leaves(value, [...path, key]);
}
