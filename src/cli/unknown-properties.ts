// Which properties of a definition nobody reads: Conductor drops them silently, and a misspelt `retryCount` costs an
// afternoon. Compares a document with what its schema kept of it, so it needs no list of its own.
import { z } from 'zod';
import { isJsonObject, type JsonValue } from '../model/json.ts';
import { workflowDefinitionSchema } from '../model/workflow-definition.ts';
import { nearest } from './ui/did-you-mean.ts';

export interface UnknownProperty {
  /** `tasks[0].retryCuont` */
  readonly path: string;
  readonly suggestion: string | undefined;
}

/** `kept` is the schema's own output for `document`. */
export function unknownProperties(document: JsonValue, kept: unknown): UnknownProperty[] {
  const known = knownProperties();
  const found: UnknownProperty[] = [];
  walk(document, kept, '', (path, name) => found.push({ path, suggestion: nearest(name, known) }));
  return found;
}

function walk(document: JsonValue, kept: unknown, path: string, report: (path: string, name: string) => void): void {
  if (document === kept) return;
  if (Array.isArray(document) && Array.isArray(kept)) {
    document.forEach((item, i) => {
      walk(item, kept[i], `${path}[${i}]`, report);
    });
    return;
  }
  // A branch written as a bare task is kept as a list of one.
  if (Array.isArray(kept) && kept.length === 1) {
    walk(document, kept[0], path, report);
    return;
  }
  if (!isJsonObject(document) || typeof kept !== 'object' || kept === null) return;
  for (const [name, value] of Object.entries(document)) {
    const at = path === '' ? name : `${path}.${name}`;
    if (Object.hasOwn(kept, name)) walk(value, Reflect.get(kept, name), at, report);
    else report(at, name);
  }
}

/** Every property name that the schema knows anywhere: a right name in the wrong place is worth suggesting too. */
function knownProperties(): ReadonlySet<string> {
  const schema = z.toJSONSchema(workflowDefinitionSchema, { io: 'input', unrepresentable: 'any' });
  const names = new Set<string>();
  const collect = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === 'properties' && typeof value === 'object' && value !== null) {
        for (const name of Object.keys(value)) names.add(name);
      }
      collect(value);
    }
  };
  collect(schema);
  return names;
}
