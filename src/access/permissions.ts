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

/** Whether one of the grants covers what is required. An empty requirement is met by everybody. */
export function hasPermission(grants: readonly string[], required: string): boolean {
  return compilePermissions(grants).covers(required);
}

/** Whether at least one is covered; an empty list asks for nothing. */
export function hasAnyPermission(grants: readonly string[], required: readonly string[]): boolean {
  const set = compilePermissions(grants);
  return required.length === 0 || required.some((permission) => set.covers(permission));
}

export function hasAllPermissions(grants: readonly string[], required: readonly string[]): boolean {
  return getMissingPermissions(grants, required).length === 0;
}

/** Those that no grant covers, in the order given. */
export function getMissingPermissions(grants: readonly string[], required: readonly string[]): string[] {
  const set = compilePermissions(grants);
  return required.filter((permission) => !set.covers(permission));
}

/** Those of the grants that can cover anything about a resource: all that such a question hangs on. */
export function grantsAbout(resource: string, grants: readonly string[]): string[] {
  return grants.filter((grant) => [resource, '*'].includes(grant.split(':', 1)[0] ?? ''));
}

/** Lower case, without surrounding spaces. Matching does none of this: what differs in case differs. */
export function normalizePermission(permission: string): string {
  return permission.trim().toLowerCase();
}

/** `*`, or two or three parts that are not empty. */
export function isValidPermissionFormat(permission: string): boolean {
  if (permission === '*') return true;
  const parts = permission.split(':');
  return (parts.length === 2 || parts.length === 3) && parts.every((part) => part !== '');
}

export interface PermissionParts {
  readonly resource: string;
  readonly name: string;
  /** Null where there are two parts, such as `ensemble:*`. */
  readonly action: string | null;
}

/** Null for what is not a permission; `*` is any resource, name and action. */
export function parsePermission(permission: string): PermissionParts | null {
  if (!isValidPermissionFormat(permission)) return null;
  const [resource = '*', name = '*', action = permission === '*' ? '*' : null] = permission.split(':');
  return { resource, name, action };
}

export function buildPermission(resource: string, name: string, action = 'execute'): string {
  return `${resource}:${name}:${action}`;
}

/** A permission as a key may be given one: of the right shape, and no part with spaces around it. */
export function isPermission(text: string): boolean {
  return isValidPermissionFormat(text) && text.split(':').every((part) => part.trim() === part);
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
