// A JSON Schema as a list of fields, and as an example value. Bounded in depth and in fields, and a schema that holds
// itself is named, not followed: no document makes a page without end.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { listAt, objectAt, resolve, textAt } from './api-document.ts';
import { html, type Markup } from './markup.ts';

const DEPTH_MAX = 6;
const FIELDS_MAX = 250;

interface Walk {
  readonly document: JsonObject;
  readonly depth: number;
  /** Shapes that are being shown further up. */
  readonly above: readonly JsonObject[];
  readonly budget: { fields: number };
}

export function schemaView(document: JsonObject, schema: JsonValue): Markup {
  return view(schema, { document, depth: 0, above: [], budget: { fields: FIELDS_MAX } });
}

function view(schema: JsonValue, walk: Walk): Markup {
  const shape = resolve(walk.document, schema);
  const type = html`<span class="soft">${typeName(schema, walk.document)}${isJsonObject(shape) && limits(shape)}</span>`;
  const holders = walk.depth < DEPTH_MAX ? holdersIn(schema, walk.document) : [];
  const lists = holders
    .filter((holder) => !walk.above.includes(holder) && walk.budget.fields > 0)
    .map((holder) => fieldList(holder, { ...walk, depth: walk.depth + 1, above: [...walk.above, holder] }));
  if (lists.length === 0) return type;
  return walk.depth === 0 ? html`${type}${lists}` : html`${type}<details><summary>Fields</summary>${lists}</details>`;
}

function fieldList(holder: JsonObject, walk: Walk): Markup {
  const members = fieldsOf(holder);
  const shown = members.slice(0, walk.budget.fields);
  walk.budget.fields -= shown.length;
  return html`<ul class="fields">${shown.map(({ name, schema, required }) => {
    const shape = resolve(walk.document, schema);
    const description = isJsonObject(shape) && textAt(shape, 'description');
    return html`<li><code>${name}</code>${required && html` <span class="tag">required</span>`} ${view(schema, walk)}${description && html` <span class="soft">— ${description}</span>`}</li>`;
  })}${shown.length < members.length && html`<li class="soft">…</li>`}</ul>`;
}

/** The objects with fields that a schema leads to, through lists, maps and choices. */
function holdersIn(schema: JsonValue, document: JsonObject, depth = 0): JsonObject[] {
  const shape = resolve(document, schema);
  if (!isJsonObject(shape) || depth > DEPTH_MAX) return [];
  if (fieldsOf(shape).length > 0) return [shape];
  const { items, additionalProperties: others } = shape;
  const within = [items, others, ...listAt(shape, 'anyOf'), ...listAt(shape, 'oneOf'), ...listAt(shape, 'allOf')];
  return [...new Set(within.filter(isJsonObject).flatMap((one) => holdersIn(one, document, depth + 1)))];
}

interface Field {
  readonly name: string;
  readonly schema: JsonValue;
  readonly required: boolean;
}

function fieldsOf(shape: JsonObject): Field[] {
  const required = listAt(shape, 'required');
  return Object.entries(objectAt(shape, 'properties')).map(([name, schema]) => ({
    name,
    schema,
    required: required.includes(name),
  }));
}

export function typeName(schema: JsonValue, document: JsonObject, depth = 0): string {
  const shape = resolve(document, schema);
  if (!isJsonObject(shape) || depth > DEPTH_MAX) return 'any';
  const inner = (one: JsonValue) => typeName(one, document, depth + 1);
  if (shape.const !== undefined) return JSON.stringify(shape.const);
  const values = listAt(shape, 'enum');
  if (values.length > 0) return values.map((value) => JSON.stringify(value)).join(' | ');
  const choices = [...listAt(shape, 'anyOf'), ...listAt(shape, 'oneOf')];
  if (choices.length > 0) return [...new Set(choices.map(inner))].join(' | ');
  const type = Array.isArray(shape.type) ? shape.type.join(' | ') : textAt(shape, 'type');
  if (type === 'array') return isJsonObject(shape.items) ? `list of ${inner(shape.items)}` : 'list';
  if (type === 'object' && isJsonObject(shape.additionalProperties))
    return `map of ${inner(shape.additionalProperties)}`;
  return type ?? (fieldsOf(shape).length > 0 ? 'object' : 'any');
}

function limits(shape: JsonObject): string {
  const said = (['format', 'pattern', 'minimum', 'maximum', 'minLength', 'maxLength', 'default'] as const)
    .filter((key) => shape[key] !== undefined && Math.abs(Number(shape[key])) !== Number.MAX_SAFE_INTEGER)
    .map((key) => `${key} ${typeof shape[key] === 'string' ? shape[key] : JSON.stringify(shape[key])}`);
  return said.length > 0 ? ` (${said.join(', ')})` : '';
}

/** The smallest value that has what the schema requires. */
export function exampleOf(document: JsonObject, schema: JsonValue, depth = 0): JsonValue {
  const shape = resolve(document, schema);
  if (!isJsonObject(shape) || depth > DEPTH_MAX) return {};
  const [firstValue] = [
    shape.example,
    ...listAt(shape, 'examples'),
    shape.default,
    shape.const,
    ...listAt(shape, 'enum'),
  ].filter((one) => one !== undefined);
  if (firstValue !== undefined) return firstValue;
  const [choice] = [...listAt(shape, 'anyOf'), ...listAt(shape, 'oneOf'), ...listAt(shape, 'allOf')];
  if (choice !== undefined) return exampleOf(document, choice, depth + 1);
  const type = Array.isArray(shape.type) ? shape.type[0] : shape.type;
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number')
    return typeof shape.minimum === 'number' ? Math.max(shape.minimum, 0) : 0;
  if (type === 'boolean') return false;
  if (type === 'null') return null;
  if (type === 'array') return isJsonObject(shape.items) ? [exampleOf(document, shape.items, depth + 1)] : [];
  const required = fieldsOf(shape).filter((field) => field.required);
  return Object.fromEntries(required.map((field) => [field.name, exampleOf(document, field.schema, depth + 1)]));
}
