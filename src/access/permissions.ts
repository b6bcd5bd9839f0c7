// What a grant covers. Grants are `resource:name:action` with `*`; they are compiled once per key and never
// backtrack, however many stars a name holds. Must never know which routes exist.

/** A compiled list of grants. */
export interface PermissionSet {
  covers(required: string): boolean;
  /** Whether everything `grant` covers is covered here too: who holds this set may hand `grant` out. Errs towards no. */
  includes(grant: string): boolean;
}

interface Rule {
  /** null: any. */
  readonly resource: string | null;
  readonly name: (value: string) => boolean;
  readonly action: string | null;
}

/** Compiles grants. Never throws: a grant of an odd shape covers nothing but its own text. */
export function compilePermissions(grants: readonly string[]): PermissionSet {
  const exact = new Set(grants);
  const superuser = exact.has('*');
  const resources = new Set<string>();
  const rules: Rule[] = [];
  for (const grant of grants) {
    const parts = grant.split(':');
    const [resource = '', name = '', action = ''] = parts;
    if (parts.length === 2 && name === '*') resources.add(resource);
    if (parts.length === 3) {
      rules.push({ resource: orAny(resource), name: compileGlob(name), action: orAny(action) });
    }
  }
  const covers = (required: string): boolean => {
    if (superuser || required === '' || exact.has(required)) return true;
    const first = required.indexOf(':');
    const resource = first < 0 ? required : required.slice(0, first);
    return resources.has(resource) || coveredByRules(rules, required);
  };
  return {
    covers,
    // As text, `*` stands for itself, and a star in a rule swallows it. Only `*:*` would be misread: as a grant it is
    // about a resource called "*", which is not every resource.
    includes: (grant) =>
      grant.startsWith('*') ? superuser || exact.has(grant) || coveredByRules(rules, grant) : covers(grant),
  };
}

/** `*`, or two or three parts that are not empty. */
export function isPermission(text: string): boolean {
  if (text === '*') return true;
  const parts = text.split(':');
  return (parts.length === 2 || parts.length === 3) && parts.every((part) => part !== '' && part.trim() === part);
}

function coveredByRules(rules: readonly Rule[], required: string): boolean {
  const first = required.indexOf(':');
  const last = required.lastIndexOf(':');
  if (first === last || required.indexOf(':', first + 1) !== last) return false;
  const resource = required.slice(0, first);
  const name = required.slice(first + 1, last);
  const action = required.slice(last + 1);
  for (const rule of rules) {
    if (rule.resource !== null && rule.resource !== resource) continue;
    if (rule.action !== null && rule.action !== action) continue;
    if (rule.name(name)) return true;
  }
  return false;
}

function orAny(part: string): string | null {
  return part === '*' ? null : part;
}

/** Leftmost matching of each middle piece is enough when `*` is the only wildcard, so there is nothing to go back to. */
function compileGlob(glob: string): (value: string) => boolean {
  const pieces = glob.split('*');
  const head = pieces[0] ?? '';
  if (pieces.length === 1) return (value) => value === head;
  const tail = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1).filter((piece) => piece !== '');
  return (value) => {
    if (value.length < head.length + tail.length || !value.startsWith(head) || !value.endsWith(tail)) return false;
    let at = head.length;
    const end = value.length - tail.length;
    for (const piece of middle) {
      const found = value.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}
