// The path of a trigger: its syntax, and when two paths answer the same requests. Must never look at a request.

const SEGMENT = /^[A-Za-z0-9._~!$&'()+,;=@%-]+$/;
const PARAMETER = /^:[A-Za-z_]\w*$/;

export interface PathFault {
  readonly message: string;
  readonly hint: string | null;
}

export function pathFault(path: string): PathFault | null {
  if (path === '/') return null;
  if (/^https?:/.test(path)) return fault('is a path, not an address', 'Leave the host out.');
  if (!path.startsWith('/')) return fault('must begin with "/"', `Write \`path: /${path}\`.`);
  if (path.length > 500) return fault('is longer than 500 characters', null);
  if (/[?#]/.test(path))
    return fault('must hold no query and no fragment', 'Queries reach the ensemble as `${input.query}`.');
  if (path.endsWith('/')) return fault('must not end with "/"', `Write \`path: ${path.replace(/\/+$/, '') || '/'}\`.`);
  const seen = new Set<string>();
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    if (segment === '*' && index === segments.length - 1) continue;
    const wrong = segmentFault(segment, seen);
    if (wrong) return wrong;
  }
  return null;
}

function segmentFault(segment: string, seen: Set<string>): PathFault | null {
  if (segment === '') return fault('holds an empty segment', 'Write a single "/".');
  if (segment === '.' || segment === '..') return fault(`holds "${segment}"`, 'Write the path out.');
  if (segment.includes('*'))
    return fault('may hold "*" only as its whole last segment', 'Write `/files/*`, or name the segment: `/:name`.');
  const braces = /^\{(\w+)\}$/.exec(segment);
  if (braces) return fault(`holds "${segment}"`, `Write \`:${braces[1]}\`.`);
  if (!segment.startsWith(':'))
    return SEGMENT.test(segment)
      ? null
      : fault(`holds "${segment}", which has characters that a path cannot have`, 'Percent-encode them.');
  if (!PARAMETER.test(segment))
    return fault(
      `holds the parameter "${segment}"; a parameter is ":" and a name of letters, digits and "_"`,
      'Optional parts and patterns are not supported: give two `paths`.',
    );
  if (seen.has(segment)) return fault(`names the parameter "${segment}" twice`, 'Name them apart.');
  seen.add(segment);
  return null;
}

/** Paths of one shape answer the same requests, whatever their parameters are called. */
export function pathShape(path: string): string {
  return path.replaceAll(/\/:[^/]+/g, '/:');
}

function fault(message: string, hint: string | null): PathFault {
  return { message, hint };
}
