// Which variable an expression misses. Owns the rule: a variable must be set wherever its value would be used; where an
// expression asks whether it is set (`??`, `||`, `| default`, a test, a comparison, `typeof`, `!`) it need not be.
import type { Scope } from '../template.ts';
import { compileParsed } from './expression.ts';
import { ExpressionError } from './expression-error.ts';
import type { Member, Spread, Tree } from './syntax-tree.ts';
import { isTrue } from './values.ts';

/** The name of a variable that is needed and not set; null when there is none. */
export type EnvNeed = (scope: Scope) => string | null;

const NOTHING: EnvNeed = () => null;
const ENV_ROOT: ReadonlySet<string> = new Set(['env']);

export function envNeed(tree: Tree, source: string): EnvNeed {
  const need = (inner: Tree): EnvNeed => envNeed(inner, source);
  const name = envName(tree);
  if (name !== null) return (scope) => (isSet(scope, name) ? null : name);
  switch (tree.kind) {
    case 'logical':
      if (tree.operator === '&&') return chosen(tree.left, need(tree.right), need(tree.left), source);
      return otherwise(need(tree.left), need(tree.right));
    case 'choice':
      return chosen(tree.test, need(tree.yes), need(tree.no), source);
    case 'filter':
      if (tree.name === 'default') return otherwise(need(tree.input), all(tree.args.map(need)));
      return all([tree.input, ...tree.args].map(need));
    case 'unary':
      return tree.operator === '-' ? need(tree.operand) : NOTHING;
    case 'binary':
      return asks(tree.operator) ? NOTHING : all([need(tree.left), need(tree.right)]);
    default:
      return all(childrenOf(tree).map(need));
  }
}

/** All variables that are named; a name that is only known at run time is an error, for then nobody could check it. */
export function envNames(tree: Tree, source: string): string[] {
  const name = envName(tree);
  if (name !== null) return [name];
  if (tree.kind === 'root' && tree.name === 'env') {
    throw new ExpressionError('Name one variable, as in "env.API_TOKEN"', source, tree.at);
  }
  return childrenOf(tree).flatMap((child) => envNames(child, source));
}

function envName(tree: Tree): string | null {
  if (tree.kind === 'member' && isEnv(tree.object)) return tree.name;
  if (tree.kind !== 'index' || !isEnv(tree.object) || tree.index.kind !== 'literal') return null;
  return typeof tree.index.value === 'string' ? tree.index.value : null;
}

function isEnv(tree: Tree): boolean {
  return tree.kind === 'root' && tree.name === 'env';
}

function isSet(scope: Scope, name: string): boolean {
  const env = scope.lookup('env', '');
  return typeof env === 'object' && env !== null && Object.hasOwn(env, name);
}

function asks(operator: string): boolean {
  return operator === '==' || operator === '!=' || operator === 'in';
}

function otherwise(first: EnvNeed, second: EnvNeed): EnvNeed {
  return (scope) => (first(scope) === null ? null : second(scope));
}

function chosen(test: Tree, yes: EnvNeed, no: EnvNeed, source: string): EnvNeed {
  const condition = compileParsed({ tree: test, roots: ENV_ROOT }, source);
  return (scope) => (isTrue(condition.evaluate(scope)) ? yes(scope) : no(scope));
}

function all(needs: readonly EnvNeed[]): EnvNeed {
  return (scope) => {
    for (const need of needs) {
      const name = need(scope);
      if (name !== null) return name;
    }
    return null;
  };
}

function childrenOf(tree: Tree): readonly Tree[] {
  switch (tree.kind) {
    case 'literal':
    case 'root':
    case 'local':
      return [];
    case 'member':
      return [tree.object];
    case 'index':
      return [tree.object, tree.index];
    case 'unary':
      return [tree.operand];
    case 'binary':
    case 'logical':
      return [tree.left, tree.right];
    case 'choice':
      return [tree.test, tree.yes, tree.no];
    case 'method':
      return [tree.object, ...tree.args, ...(tree.arrow === null ? [] : [tree.arrow.body])];
    case 'call':
      return tree.args;
    case 'filter':
      return [tree.input, ...tree.args];
    case 'list':
      return tree.items.map((item) => (item.kind === 'spread' ? item.operand : item));
    case 'object':
      return tree.members.flatMap(memberTrees);
    case 'template':
      return tree.holes;
  }
}

function memberTrees(member: Member | Spread): readonly Tree[] {
  return member.kind === 'spread' ? [member.operand] : [member.key, member.value];
}
