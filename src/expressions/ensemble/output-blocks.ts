// The answer of an ensemble: `{ blocks: [{ when?, status?, headers?, body?, raw?, redirect?, format? }] }`, in which the
// first block whose `when` holds is taken. Owns turning it into a run's output, and how that is to be sent beside it.
// Must never let data say how it is sent, nor let anything of the environment into the output.
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import { packOutput } from '../../model/raw-value.ts';
import type { Scope, Template } from '../template.ts';
import { type Condition, compileCondition } from './condition.ts';
import { ExpressionError } from './expression-error.ts';
import { compileEnsembleTemplate } from './template.ts';
import { numberOf, textOf } from './values.ts';

interface Block {
  readonly when: Condition | null;
  /** What is sent and how, as one document. */
  readonly content: Template;
}

const REDIRECT_STATUSES: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const REDIRECT_STATUS_DEFAULT = 302;

/** Throws ExpressionError. */
export function compileOutputBlocks(outputParameters: JsonObject): Template {
  const { blocks } = outputParameters;
  const compiled = (Array.isArray(blocks) ? blocks : []).filter(isJsonObject).map(compileBlock);
  const roots = new Set(compiled.flatMap(({ when, content }) => [...(when?.roots ?? []), ...content.roots]));
  const resolve = (scope: Scope): JsonObject => {
    const block = compiled.find(({ when }) => when === null || when.evaluate(scope));
    return block === undefined ? withResponse(null, { status: 200, raw: true }) : answer(block.content.resolve(scope));
  };
  return { constant: roots.size === 0, roots, literals: new Set(), resolve };
}

function compileBlock({ when, ...block }: JsonObject): Block {
  const content = compileEnsembleTemplate(block, { env: 'data' });
  if (content.roots.has('env')) {
    throw new ExpressionError('An output cannot read `env`: it would stand in the history', 'output', 0);
  }
  if (when === undefined || when === null) return { when: null, content };
  return { when: compileCondition(typeof when === 'boolean' ? when : textOf(when)), content };
}

function answer(content: JsonValue): JsonObject {
  const { status, headers, body, raw, redirect, format } = isJsonObject(content) ? content : {};
  const response: JsonObject = {};
  const code = numberOf(status);
  if (code !== undefined && Number.isInteger(code) && code >= 100 && code <= 599) response.status = code;
  if (isJsonObject(headers)) response.headers = headerTexts(headers);
  const target = redirectOf(redirect);
  if (target !== null) response.redirect = target;
  if (format !== undefined && format !== null)
    response.format = isJsonObject(format) ? format : { type: textOf(format) };
  if (raw !== undefined && raw !== null) response.raw = raw === true || raw === 'true';
  return withResponse(body ?? null, response);
}

function headerTexts(headers: JsonObject): JsonObject {
  const set = Object.entries(headers).filter(([, value]) => value !== null);
  return Object.fromEntries(set.map(([name, value]) => [name, textOf(value)]));
}

function redirectOf(redirect: JsonValue | undefined): JsonObject | null {
  if (redirect === undefined || redirect === null) return null;
  const { url, status } = isJsonObject(redirect) ? redirect : { url: redirect };
  const code = numberOf(status);
  return {
    url: textOf(url),
    status: code !== undefined && REDIRECT_STATUSES.has(code) ? code : REDIRECT_STATUS_DEFAULT,
  };
}

/** A body that has a `_response` of its own is wrapped, or what an agent fetched could redirect the caller. */
function withResponse(body: JsonValue, response: JsonObject): JsonObject {
  const packed = isJsonObject(body) && Object.hasOwn(body, '_response') ? { _raw: body } : packOutput(body);
  return Object.keys(response).length === 0 ? packed : { ...packed, _response: response };
}
