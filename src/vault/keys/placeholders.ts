// What stands in stored documents where a vault key would be: `${workflow.vault.<vendor>.key}` as the author wrote it,
// and `${vault.<keyId>.<mac>}` where a key of ours came by. Owns both replacements. Must never put a key into anything
// but the copy that is handed off, nor fill a placeholder in another run's documents.
import type { Spelling } from '../../expressions/spelling.ts';
import { Json } from '../../model/json.ts';
import type { KeyClaims, KeyTexts } from './key-text.ts';
import { KEY_PREFIX } from './key-text.ts';
import { type Mac, sameMac } from './master-keys.ts';

/** Both notations hold it, and hardly any other text does. */
const FILL_MARK = '{vault.';
const LITERAL_MARK = '{workflow.vault.';
const CONCEALED = /\$\{vault\.(vk_[A-Za-z0-9]+)\.([A-Za-z0-9_-]{32})\}/g;
const LITERAL = /^\$\{workflow\.vault\.([A-Za-z0-9_-]+)\.key\}$/;

export interface Placeholders {
  conceal(document: Json, rootRunId: string): Json;
  concealText(text: string, rootRunId: string): string;
  /**
   * `spelling`: where the step's definition spells literals; the same text in a run's data stays as it is.
   * `keyOf` gives the key id for a vendor (or undefined: stays literal); `write` derives the text of a key id.
   */
  fill(
    input: Json,
    rootRunId: string,
    spelling: Spelling | null,
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
    fill(input, rootRunId, spelling, keyOf, write) {
      const keyFor = (literal: string): string => {
        const vendor = LITERAL.exec(literal)?.[1];
        const keyId = vendor === undefined ? undefined : keyOf(vendor);
        return keyId === undefined ? literal : write(keyId);
      };
      const isSpelled = spelling !== null && input.text.indexOf(LITERAL_MARK) >= 0;
      const text = isSpelled ? Json.of(spelling(input.value, keyFor)).text : input.text;
      const filled =
        text.indexOf(FILL_MARK) < 0
          ? text
          : text.replace(CONCEALED, (whole, keyId: string, found: string) =>
              sameMac(seal(keyId, rootRunId), found) ? write(keyId) : whole,
            );
      return filled === input.text ? input : Json.text(filled);
    },
  };
}
