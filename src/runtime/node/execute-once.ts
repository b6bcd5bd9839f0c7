// One execution for the command line: a server of its own is started on a free port, runs it, and ends. So it goes by the
// very rules of a server, and its history is found afterwards. A data directory that a server holds is left to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError, type ExecuteRequest } from '../../cli/host.ts';
import type { CallContext, ExecutionOutcome } from '../../ensembles/executor.ts';
import type { Problem } from '../../ensembles/project.ts';
import { didYouMean } from '../../model/did-you-mean.ts';
import { AppError } from '../../model/error.ts';
import { isJsonObject } from '../../model/json.ts';
import { type RunningServer, startServer } from './start-server.ts';

/** Throws AppError not_found | invalid_request, ConfigurationError, and CliError when the input is not what it takes. */
export async function execute(request: ExecuteRequest): Promise<ExecutionOutcome> {
  const { writeLog, ...serve } = request.serve;
  const started = await startSomewhere(serve);
  try {
    return await withReason(started.server, await executeIn(started.server, request));
  } finally {
    await started.server.close();
    if (started.scratch !== null) rmSync(started.scratch, { recursive: true, force: true });
  }
}

type Options = Omit<ExecuteRequest['serve'], 'writeLog'>;

async function startSomewhere(options: Options): Promise<{ server: RunningServer; scratch: string | null }> {
  try {
    return { server: await startServer(options), scratch: null };
  } catch (error) {
    const held = error instanceof AppError && error.code === 'store_unavailable' && options.database === undefined;
    if (!held) throw error;
  }
  const scratch = mkdtempSync(join(tmpdir(), 'conductor-exec-'));
  try {
    return { server: await startServer({ ...options, dataDir: scratch }), scratch };
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

async function executeIn({ executor, project }: RunningServer, request: ExecuteRequest): Promise<ExecutionOutcome> {
  const { config, input, kind, name } = request;
  const { agents, ensembles, problems } = project();
  const broken = problems.find(({ severity }) => severity === 'error');
  if (kind === 'agent') {
    if (!agents.has(name)) throw unknown('agent', name, agents.keys(), broken);
    return executor.agent(name, input, call(), config === undefined ? {} : { config });
  }
  const ensemble = ensembles.get(name);
  if (!ensemble) throw unknown('ensemble', name, ensembles.keys(), broken);
  if (!isJsonObject(input)) throw new CliError('The input of an ensemble must be a JSON object.');
  return executor.ensemble(ensemble, input, call());
}

/** What callers over HTTP are not told, whoever sits at the machine may know. */
async function withReason({ store }: RunningServer, outcome: ExecutionOutcome): Promise<ExecutionOutcome> {
  if (outcome.kind !== 'failed') return outcome;
  const seen = await store.reads.run(outcome.executionId, true);
  const reason = seen?.tasks.findLast((task) => task.reason !== null)?.reason;
  if (!reason || outcome.message.includes(reason)) return outcome;
  return { ...outcome, message: `${outcome.message} ${reason}` };
}

function unknown(noun: string, name: string, known: Iterable<string>, broken: Problem | undefined): CliError {
  const meant = didYouMean(name, known);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  const also = broken === undefined ? '' : `\nThe project has errors, the first at ${placed(broken)}`;
  return new CliError(`There is no ${noun} ${name}.${hint}${also}`);
}

function placed({ message, position }: Problem): string {
  return `${position.file}:${position.line}:${position.column}: ${message}`;
}

function call(): CallContext {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex');
  const user = { id: 'local', roles: [], permissions: ['*'], metadata: {} };
  return {
    requestId: `req_${id}`,
    auth: { authenticated: true, method: 'apiKey', userId: user.id, user },
    visitor: {},
    trigger: 'cli',
  };
}
