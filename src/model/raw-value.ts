// Outputs are objects on Conductor's wire; agents may return any JSON. What is no object travels as `{ _raw: value }`.
// An ensemble's answer may also say how it is to be sent: that rides beside it as `_response`.
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts';

export function packOutput(value: JsonValue): JsonObject {
  return isJsonObject(value) && !isPacked(value) ? value : { _raw: value };
}

export function unpackOutput(output: JsonObject): JsonValue {
  return isPacked(output) ? (output._raw ?? null) : output;
}

/** How an ensemble's output is to be sent; written by the output blocks of its definition. */
export interface OutputResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly redirect?: { readonly url: string; readonly status: number };
  /** The value is the body itself, whatever the route: `_raw` and `rawBody`. */
  readonly raw?: boolean;
  readonly format?: { readonly type: string; readonly extract?: string; readonly contentType?: string };
}

/** A run's output taken apart: what it is, and how to send it. */
export function splitOutput(output: JsonObject): { readonly body: JsonValue; readonly response: JsonObject } {
  if (!isJsonObject(output._response)) return { body: unpackOutput(output), response: {} };
  const { _response: response, ...rest } = output;
  return { body: unpackOutput(rest), response: isJsonObject(response) ? response : {} };
}

function isPacked(output: JsonObject): boolean {
  return Object.hasOwn(output, '_raw') && Object.keys(output).length === 1;
}
