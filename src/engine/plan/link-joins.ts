// Works out what each JOIN counts down, so that none ever polls: its listed references become anchors, steps whose end
// happens exactly once in the JOIN's own loop position. Also how each fork's branches are gathered.
import { OpenStep } from './build-steps.ts';
import type { Step } from './plan.ts';

/** What the reporter gets: the JOIN, the listed reference, and what is wrong with it. */
export type JoinFault = (join: Step, ref: string, message: string) => void;

/** Links the JOINs and forks of one tree of steps. */
export function linkJoins(steps: ReadonlyMap<string, OpenStep>, fault: JoinFault): void {
  const all = [...steps.values()];
  for (const step of all) if (isFork(step)) step.gathering = step.next?.type === 'JOIN' ? 'joined' : 'implicit';
  for (const step of all) {
    if (step.type === 'JOIN') linkJoin(step, steps, fault);
    if (step.type === 'EXCLUSIVE_JOIN') linkExclusive(step, steps, fault);
  }
  // Inner forks come later in `all`: their gathering decides whether an outer branch ends with its last step.
  for (const step of all.toReversed()) if (step.type === 'FORK_JOIN' && step.gathering === 'joined') gather(step);
}

function linkJoin(join: OpenStep, steps: ReadonlyMap<string, OpenStep>, fault: JoinFault): void {
  const before = join.sequence.steps[join.index - 1];
  const fork = before && isFork(before) ? before : null;
  join.fork = fork;
  if (fork?.type === 'FORK_JOIN_DYNAMIC') return;
  const listed = join.task.joinOn.length === 0 && fork ? [fork.ref] : join.task.joinOn;
  const refs = new Set<string>();
  const anchors = new Set<OpenStep>();
  for (const ref of listed) {
    const target = steps.get(ref);
    if (!target) {
      fault(join, ref, 'is not a task of this definition');
      continue;
    }
    const found = anchorsFor(join, target);
    if (typeof found === 'string') fault(join, ref, found);
    else for (const anchor of found) anchors.add(anchor);
    for (const step of expand(target)) refs.add(step.ref);
  }
  join.joinOn = [...refs];
  join.anchors = [...anchors];
  for (const anchor of anchors) anchor.joins = [...anchor.joins, join];
}

function linkExclusive(join: OpenStep, steps: ReadonlyMap<string, OpenStep>, fault: JoinFault): void {
  join.joinOn = join.task.joinOn;
  for (const ref of [...join.task.joinOn, ...join.task.defaultExclusiveJoinTask]) {
    const target = steps.get(ref);
    if (target) target.joins = [...target.joins, join];
    else fault(join, ref, 'is not a task of this definition');
  }
}

/** A fork's own reference stands for the last step of each of its branches. */
function expand(target: OpenStep): readonly Step[] {
  return target.type === 'FORK_JOIN' ? target.branches.map(lastOf) : [target];
}

function anchorsFor(join: OpenStep, target: OpenStep): readonly OpenStep[] | string {
  const outward = ancestors(join);
  let below: OpenStep | null = null;
  for (const step of ancestors(target)) {
    const beside = outward.find((candidate) => candidate.sequence === step.sequence);
    if (beside === undefined) {
      below = step;
      continue;
    }
    if (step === beside) {
      if (below === null) return 'is the JOIN itself or encloses it: the JOIN would wait for ever';
      return step.type === 'FORK_JOIN' ? ends(below) : [];
    }
    if (step.index > beside.index) return 'runs only after the JOIN: the JOIN would wait for ever';
    // An earlier step of a sequence has ended before a later one starts, but for the branches of a fork.
    if (step.type !== 'FORK_JOIN' || step.gathering === 'implicit') return [];
    return below === null ? ends(step) : ends(below);
  }
  return [];
}

/** The steps whose end means that nothing inside `step` runs any more. */
function ends(step: OpenStep): readonly OpenStep[] {
  if (step.type === 'FORK_JOIN' && step.gathering !== 'implicit') return step.branches.map(lastOf);
  if (step.type === 'FORK_JOIN_DYNAMIC' && step.next?.type === 'JOIN') return [step.next];
  return [step];
}

function gather(fork: OpenStep): void {
  const lasts = fork.branches.map(lastOf);
  const counted = new Set(fork.next?.anchors ?? []);
  if (lasts.every((last) => counted.has(last) && last.sequence.partialForks.length === 0)) return;
  fork.gathering = 'partial';
  fork.sequence.partialForks.push(fork);
}

function ancestors(step: OpenStep): OpenStep[] {
  const chain: OpenStep[] = [];
  for (let at: Step | null = step; at !== null; at = parentOf(at)) chain.push(open(at));
  return chain;
}

function parentOf(step: Step): Step | null {
  const { container } = step;
  if (container.kind === 'branch') return container.fork;
  return container.kind === 'case' || container.kind === 'loop' ? container.owner : null;
}

function lastOf(head: Step): OpenStep {
  let last = open(head);
  while (last.next) last = last.next;
  return last;
}

function open(step: Step): OpenStep {
  if (step instanceof OpenStep) return step;
  throw new TypeError(`step ${step.ref} was not built here`);
}

function isFork(step: Step): boolean {
  return step.type === 'FORK_JOIN' || step.type === 'FORK_JOIN_DYNAMIC';
}
