// HTML that is safe by construction: what is put into a `html` template is escaped, unless it is markup itself. Must
// never let a plain string through unescaped; the one door for finished HTML is `trusted`.

export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Fragment = Markup | string | number | null | undefined | false | readonly Fragment[];

export function html(strings: TemplateStringsArray, ...values: readonly Fragment[]): Markup {
  return new Markup(strings.map((part, at) => part + (at < values.length ? rendered(values[at]) : '')).join(''));
}

/** Only for text that our own code has made or checked. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function rendered(value: Fragment): string {
  if (value instanceof Markup) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  return Array.isArray(value) ? value.map(rendered).join('') : '';
}
