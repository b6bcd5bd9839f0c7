// A YAML document as plain nodes that know where they stand. Owns the node shapes and their way to JSON; what a document
// means is the readers' business.
import type { SourcePosition } from '../model/agent.ts';
import type { JsonObject, JsonValue } from '../model/json.ts';

export interface YamlScalar {
  readonly kind: 'scalar';
  readonly value: null | boolean | number | string;
  readonly position: SourcePosition;
  /** Where the character at this offset of `value` stands; the scalar's own place when that cannot be told. */
  at(offset: number): SourcePosition;
}

export interface YamlList {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
  readonly position: SourcePosition;
}

export interface YamlEntry {
  readonly key: string;
  readonly keyPosition: SourcePosition;
  readonly value: YamlNode;
}

export interface YamlMap {
  readonly kind: 'map';
  readonly entries: readonly YamlEntry[];
  readonly position: SourcePosition;
}

export type YamlNode = YamlScalar | YamlList | YamlMap;

export function toJson(node: YamlNode): JsonValue {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  return toJsonObject(node);
}

export function toJsonObject(node: YamlMap): JsonObject {
  return Object.fromEntries(node.entries.map((entry) => [entry.key, toJson(entry.value)]));
}

export function child(node: YamlMap, key: string): YamlEntry | undefined {
  return node.entries.find((entry) => entry.key === key);
}

/** Where the value at `path` stands, or the deepest of its parents that exists. */
export function positionOf(node: YamlNode, path: readonly PropertyKey[]): SourcePosition {
  let at = node;
  for (const step of path) {
    const next =
      at.kind === 'map' ? child(at, String(step))?.value : at.kind === 'list' ? at.items[Number(step)] : undefined;
    if (next === undefined) return at.position;
    at = next;
  }
  return at.position;
}

/** Every text in the node, with its place as a path; keys are not among them. */
export function* textsIn(
  node: YamlNode,
  path: readonly string[] = [],
): Generator<{ readonly scalar: YamlScalar; readonly text: string; readonly path: readonly string[] }> {
  if (node.kind === 'scalar') {
    if (typeof node.value === 'string') yield { scalar: node, text: node.value, path };
  } else if (node.kind === 'list') {
    for (const [index, item] of node.items.entries()) yield* textsIn(item, [...path, String(index)]);
  } else {
    for (const entry of node.entries) yield* textsIn(entry.value, [...path, entry.key]);
  }
}
