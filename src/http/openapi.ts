// /openapi.json, made from the same Route list that is mounted and the same schemas that handlers validate with, so
// it cannot drift from them. Made once, when first asked for.
import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts';
import { jsonText, type Route } from './route.ts';

/** Routes that serve the description of `routes` (and of themselves). */
export function openapiRoutes(routes: readonly Route[], version: string): Route[] {
  let text: string | undefined;
  const own: Route[] = ['/openapi.json', '/api-docs'].map((path) => ({
    method: 'GET',
    path,
    requires: 'authenticated',
    dialect: 'conductor',
    summary: 'This document: the API in OpenAPI 3.1',
    reply: { contentType: 'application/json' },
    handle() {
      text ??= JSON.stringify(openapi([...routes, ...own], version));
      return jsonText(text);
    },
  }));
  return own;
}

/** The OpenAPI 3.1 document of a list of routes. */
export function openapi(routes: readonly Route[], version: string): JsonObject {
  const schemas = new Schemas();
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, schemas) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Conductor', version },
    paths,
    components: { schemas: schemas.all(), securitySchemes: SECURITY_SCHEMES },
  };
}

const SECURITY_SCHEMES: JsonObject = {
  apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  bearer: { type: 'http', scheme: 'bearer' },
  token: { type: 'apiKey', in: 'header', name: 'X-Authorization' },
};

function operation(route: Route, schemas: Schemas): JsonObject {
  const made: JsonObject = {
    summary: route.summary,
    parameters: [...pathParameters(route), ...queryParameters(route, schemas)],
    responses: { '200': success(route, schemas), default: { description: 'An error, with a status and a message' } },
    security: route.requires === 'public' ? [] : Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] })),
  };
  if (route.body) made.requestBody = { content: { 'application/json': { schema: schemas.of(route.body) } } };
  return made;
}

function success({ reply }: Route, schemas: Schemas): JsonObject {
  if (!reply) return { description: 'Done; no body' };
  const schema = reply.schema ? schemas.of(reply.schema) : reply.contentType === 'text/plain' ? { type: 'string' } : {};
  return { description: 'Done', content: { [reply.contentType]: { schema } } };
}

function pathParameters({ path }: Route): JsonValue[] {
  return [...path.replace(/\*$/, ':rest').matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters({ queryParameters: declared = {} }: Route, schemas: Schemas): JsonValue[] {
  return Object.entries(declared).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !schema.safeParse(undefined).success,
    schema: schemas.of(schema),
  }));
}

/** Schemas by identity: one that is used by several routes, or refers to itself, is described once. */
class Schemas {
  readonly #known = new Map<z.ZodType, JsonObject>();
  readonly #components: JsonObject = {};

  of(schema: z.ZodType): JsonObject {
    const known = this.#known.get(schema);
    if (known) return known;
    const made = toPlain(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
    delete made.$schema;
    const { $defs: inner } = made;
    delete made.$defs;
    const text = JSON.stringify(made);
    const reference = text.length < 60 && !isJsonObject(inner) ? made : this.#component(made, inner);
    this.#known.set(schema, reference);
    return reference;
  }

  all(): JsonObject {
    return this.#components;
  }

  #component(schema: JsonObject, inner: JsonValue | undefined): JsonObject {
    const name = `Schema${Object.keys(this.#components).length + 1}`;
    this.#components[name] = schema;
    for (const [key, value] of Object.entries(isJsonObject(inner) ? inner : {})) {
      this.#components[`${name}_${key}`] = relocate(value, name);
    }
    this.#components[name] = relocate(schema, name);
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** References within a schema document become references within ours. */
function relocate(value: JsonValue, name: string): JsonValue {
  if (Array.isArray(value)) return value.map((item) => relocate(item, name));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== '$ref' || typeof item !== 'string') return [key, relocate(item, name)];
      if (item === '#') return [key, `#/components/schemas/${name}`];
      return [key, item.replace('#/$defs/', `#/components/schemas/${name}_`)];
    }),
  );
}

function toPlain(value: object): JsonObject {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  return isJsonObject(plain) ? plain : {};
}
