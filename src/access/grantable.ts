// What an API key may be granted: permissions that can mean something. Owns the list of the server's own nouns; others are a
// project's, whose triggers may ask for what they like. Must never be asked what a grant covers: what is held is held.
import { didYouMean } from '../model/did-you-mean.ts';
import { isPermission, parsePermission } from './permissions.ts';

const NOUNS = ['agent', 'audit', 'ensemble', 'keys', 'metadata', 'task', 'vault', 'workflow'];
const LENGTH_MAX = 255;

/** Why a new key cannot be given this permission, and what was probably meant; null when it can. */
export function permissionFault(text: string): string | null {
  const parts = text.length > LENGTH_MAX || !isPermission(text) ? null : parsePermission(text);
  if (parts === null) return 'Use resource:name:action, such as "workflow:billing-*:execute".';
  const { resource, name, action } = parts;
  const meant = resource === '*' || NOUNS.includes(resource) ? undefined : didYouMean(resource, NOUNS);
  if (meant !== undefined) return `Did you mean "${[meant, ...text.split(':').slice(1)].join(':')}"?`;
  if (action !== null) return null;
  // As a grant it would be of a resource called "*".
  if (resource === '*') return 'Use "*" for full access.';
  return name === '*' ? null : `Use resource:name:action; "${resource}:*" is everything about ${resource}.`;
}
