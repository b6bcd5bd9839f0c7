// Reads an OpenAPI document into what the API reference shows. Tolerant: what is missing or of another shape is left
// out, since the reference must render whatever document the server has.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';

export interface ApiCall {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly group: string;
  readonly summary: string;
  readonly description: string | null;
  readonly open: boolean;
  readonly parameters: readonly ApiParameter[];
  readonly bodies: readonly ApiContent[];
  readonly responses: readonly {
    readonly status: string;
    readonly description: string;
    readonly contents: readonly ApiContent[];
  }[];
}

export interface ApiParameter {
  readonly name: string;
  readonly place: string;
  readonly required: boolean;
  readonly description: string | null;
  readonly schema: JsonValue;
}

export interface ApiContent {
  readonly contentType: string;
  readonly schema: JsonValue;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'];

/** Every call of the document, in its order. */
export function apiCalls(document: JsonObject): ApiCall[] {
  return Object.entries(objectAt(document, 'paths')).flatMap(([path, item]) => {
    if (!isJsonObject(item)) return [];
    const shared = listAt(item, 'parameters');
    return METHODS.filter((method) => isJsonObject(item[method])).map((method) =>
      readCall(document, method, path, objectAt(item, method), shared),
    );
  });
}

function readCall(document: JsonObject, method: string, path: string, call: JsonObject, shared: JsonValue[]): ApiCall {
  const security = Array.isArray(call.security) ? call.security : document.security;
  const [tag] = listAt(call, 'tags');
  return {
    id: `${method}${path}`
      .toLowerCase()
      .replaceAll(/[^a-z\d]+/g, '-')
      .replaceAll(/^-|-$/g, ''),
    method: method.toUpperCase(),
    path,
    group: typeof tag === 'string' && tag ? tag.toLowerCase() : groupOfPath(path),
    summary: textAt(call, 'summary') ?? textAt(call, 'operationId') ?? '',
    description: textAt(call, 'description'),
    open: !Array.isArray(security) || security.length === 0,
    parameters: [...shared, ...listAt(call, 'parameters')].flatMap((one) => readParameter(resolve(document, one))),
    bodies: contentsOf(resolve(document, call.requestBody)),
    responses: Object.entries(objectAt(call, 'responses')).map(([status, one]) => {
      const response = resolve(document, one);
      const description = isJsonObject(response) ? (textAt(response, 'description') ?? '') : '';
      return { status, description, contents: contentsOf(response) };
    }),
  };
}

/** The first part of a path that tells calls apart: `/api/v1/execute/…` is `execute`. */
function groupOfPath(path: string): string {
  const telling = path
    .split('/')
    .find((part) => part && part !== 'api' && !/^v\d+$/.test(part) && !part.startsWith('{'));
  return (telling ?? 'other').toLowerCase();
}

function readParameter(value: JsonValue | undefined): ApiParameter[] {
  if (!isJsonObject(value)) return [];
  const name = textAt(value, 'name');
  if (name === null) return [];
  const description = textAt(value, 'description');
  return [
    {
      name,
      place: textAt(value, 'in') ?? 'query',
      required: value.required === true,
      description,
      schema: value.schema ?? {},
    },
  ];
}

function contentsOf(value: JsonValue | undefined): ApiContent[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(objectAt(value, 'content')).map(([contentType, content]) => ({
    contentType,
    schema: isJsonObject(content) ? (content.schema ?? {}) : {},
  }));
}

const REFERENCES_MAX = 20;

/** Follows `$ref` within the document; undefined where it leads nowhere or in a circle. */
export function resolve(document: JsonObject, value: JsonValue | undefined): JsonValue | undefined {
  let at = value;
  for (let hops = 0; hops < REFERENCES_MAX; hops += 1) {
    if (!isJsonObject(at) || typeof at.$ref !== 'string') return at;
    at = lookUp(document, at.$ref);
  }
  return undefined;
}

function lookUp(document: JsonObject, reference: string): JsonValue | undefined {
  if (!reference.startsWith('#/')) return undefined;
  return reference
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<JsonValue | undefined>(
      (at, part) => (isJsonObject(at) && Object.hasOwn(at, part) ? at[part] : undefined),
      document,
    );
}

export function textAt(value: JsonObject, key: string): string | null {
  const found = value[key];
  return typeof found === 'string' ? found : null;
}

export function objectAt(value: JsonObject, key: string): JsonObject {
  const found = value[key];
  return isJsonObject(found) ? found : {};
}

export function listAt(value: JsonObject, key: string): JsonValue[] {
  const found = value[key];
  return Array.isArray(found) ? found : [];
}
