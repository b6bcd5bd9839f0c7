// JSON documents. Owns the value type and the lazy box that lets a payload travel from request to row to reply
// as text, parsed only when somebody looks inside. Must never copy or validate more than it is asked to.

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** One immutable JSON document, held as text, as a value, or both. Never mutate `value`. */
export class Json {
  #text: string | undefined;
  #value: JsonValue | undefined;

  private constructor(text: string | undefined, value: JsonValue | undefined) {
    this.#text = text;
    this.#value = value;
  }

  static of(value: JsonValue): Json {
    return new Json(undefined, value);
  }

  /** `text` must already be valid JSON; it is parsed on first use of `value`. */
  static text(text: string): Json {
    return new Json(text, undefined);
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.#value);
    return this.#text;
  }

  get value(): JsonValue {
    if (this.#value === undefined) this.#value = JSON.parse(this.text) as JsonValue;
    return this.#value;
  }

  /** The document as an object; anything else reads as `{}`. */
  get object(): JsonObject {
    const value = this.value;
    return isJsonObject(value) ? value : {};
  }
}

export const EMPTY_OBJECT = Json.text('{}');

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
