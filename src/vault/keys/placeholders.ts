// What stands in stored documents where a vault key would be: `${workflow.vault.<vendor>.key}` as the author wrote it,
// and `${vault.<keyId>.<mac>}` where a key of ours came by. Owns both replacements. Must never put a key into anything
// but the copy that is handed off, nor fill a placeholder in another run's documents.
import { Json } from '../../model/json.ts';
import type { KeyClaims, KeyTexts } from './key-text.ts';
import { KEY_PREFIX } from './key-text.ts';
import { type Mac, sameMac } from './master-keys.ts';

/** Both notations hold it, and hardly any other text does. */
const FILL_MARK = '{vault.';
const LITERAL_MARK = '{workflow.vault.';
const CONCEALED = /\$\{vault\.(vk_[A-Za-z0-9]+)\.([A-Za-z0-9_-]{32})\}/g;
const LITERAL = /\$\{workflow\.vault\.([A-Za-z0-9_-]+)\.key\}/g;

export interface Placeholders {
  conceal(document: Json, rootRunId: string): Json;
  concealText(text: string, rootRunId: string): string;
  /**
   * `literals`: the texts that the step's definition spells; the same text in a run's data stays as it is.
   * `keyOf` gives the key id for a vendor (or undefined: stays literal); `write` derives the text of a key id.
   */
  fill(
    input: Json,
    rootRunId: string,
    literals: ReadonlySet<string>,
    keyOf: (vendor: string) => string | undefined,
    write: (keyId: string) => string,
  ): Json;
}

export function placeholders(texts: KeyTexts, mac: Mac): Placeholders {
  const seal = (keyId: string, rootRunId: string) => mac(`${keyId}\n${rootRunId}`);
  const concealText = (text: string, rootRunId: string) =>
    text.indexOf(KEY_PREFIX) < 0
      ? text
      : texts.replace(text, ({ keyId }: KeyClaims) => `\${vault.${keyId}.${seal(keyId, rootRunId)}}`);

  return {
    concealText,
    conceal(document, rootRunId) {
      const text = document.text;
      // A key spelled with \u00.. escapes would be found by whoever parses the document: spell it plainly first.
      const plain = text.indexOf('\\u00') < 0 ? text : JSON.stringify(document.value);
      const concealed = concealText(plain, rootRunId);
      return concealed === plain ? document : Json.text(concealed);
    },
    fill(input, rootRunId, literals, keyOf, write) {
      const text = input.text;
      if (text.indexOf(LITERAL_MARK) < 0 && text.indexOf(FILL_MARK) < 0) return input;
      const filled = text
        .replace(LITERAL, (whole, vendor: string) => {
          const keyId = literals.has(whole) ? keyOf(vendor) : undefined;
          return keyId === undefined ? whole : write(keyId);
        })
        .replace(CONCEALED, (whole, keyId: string, found: string) =>
          sameMac(seal(keyId, rootRunId), found) ? write(keyId) : whole,
        );
      return filled === text ? input : Json.text(filled);
    },
  };
}
