// What the lexer hands to the parser. Owns no rule of the language.

export type Token =
  /** `name` also stands for keywords; `sign` for operators and brackets. */
  | { readonly kind: 'name' | 'sign' | 'end'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly text: string; readonly at: number; readonly value: number }
  /** A quoted text, escapes undone. */
  | { readonly kind: 'text'; readonly text: string; readonly at: number }
  /** `a${b}c`: one text more than holes. */
  | {
      readonly kind: 'template';
      readonly text: string;
      readonly at: number;
      readonly texts: readonly string[];
      readonly holes: readonly (readonly Token[])[];
    };
