// `exec`: runs an ensemble, or an agent, and prints what it gave. In this process over the project's files, or at a server.
// Must never print output and errors on the same stream: scripts read the first.
import type { ExecutionOutcome } from '../../ensembles/executor.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts';
import type { CliCommand, Context, Input } from '../command.ts';
import { withServer } from '../connection.ts';
import { CliError, UsageError } from '../host.ts';
import { requireProjectDir } from '../project.ts';
import { readFault } from '../read-fault.ts';
import { serveOptions } from '../serve.ts';
import { DATA_DIR_OPTION, JSON_OPTION, MASTER_KEY_OPTION, PROJECT_OPTION } from '../settings.ts';

export const exec: CliCommand = {
  path: ['exec'],
  summary: 'Run an ensemble of the project, or an agent',
  args: [['<name>', 'name of the ensemble, or with --agent of the agent']],
  options: [
    ['--agent', 'the name is that of an agent'],
    ['-i, --input <json>', 'input, as JSON'],
    ['-f, --file <file>', 'file that holds the input; - for standard input'],
    ['-c, --config <json>', 'with --agent: laid over its config'],
    ['--remote', 'run it at the server (--url, CONDUCTOR_URL, or the one of the data directory)'],
    ['--url <url>', 'the server to run it at'],
    ['--api-key <key>', 'credential for it; better in the environment: CONDUCTOR_API_KEY'],
    PROJECT_OPTION,
    DATA_DIR_OPTION,
    MASTER_KEY_OPTION,
    JSON_OPTION,
  ],
  async run(context, input) {
    const kind = input.flag('agent') ? 'agent' : 'ensemble';
    const request = {
      kind,
      name: input.arg(0),
      input: await inputOf(context, input),
      config: configOf(input, kind),
    } as const;
    const remote = input.flag('remote') || input.text('url') !== undefined;
    const answer = remote ? await executeAtServer(context, input, request) : await executeHere(context, input, request);
    const { io, style } = context;
    if (input.flag('json')) io.out(`${JSON.stringify(answer)}\n`);
    else if (answer.success === true) io.out(plain(answer.output ?? answer.data ?? null));
    else
      io.err(
        `${style.bad('error:')} ${typeof answer.message === 'string' ? answer.message : 'The execution failed.'}\n`,
      );
    return answer.success === true ? 0 : 1;
  },
};

interface Request {
  readonly kind: 'ensemble' | 'agent';
  readonly name: string;
  readonly input: JsonValue;
  readonly config: JsonObject | undefined;
}

async function executeHere(context: Context, input: Input, request: Request): Promise<JsonObject> {
  requireProjectDir(context, input);
  const serve = await serveOptions(context, input, { production: false, open: false });
  const startedMs = Date.now();
  const outcome = await context.host.execute({ ...request, serve: { ...serve, port: 0, writeLog: () => undefined } });
  return envelope(outcome, request.kind, Date.now() - startedMs);
}

/** As the execute API answers. */
function envelope(outcome: ExecutionOutcome, kind: Request['kind'], duration: number): JsonObject {
  const metadata = { executionId: outcome.executionId, duration, timestamp: Date.now() };
  if (outcome.kind === 'failed') return { success: false, message: outcome.message, agent: outcome.agent, metadata };
  if (outcome.kind === 'running') {
    return {
      success: false,
      message:
        'It waits for somebody or something outside, which nobody can answer here: run it at a server (--remote).',
      suspended: outcome.suspended,
      metadata,
    };
  }
  return { success: true, [kind === 'agent' ? 'data' : 'output']: outcome.output, metadata };
}

async function executeAtServer(context: Context, input: Input, request: Request): Promise<JsonObject> {
  const { config, kind, name } = request;
  const body = { input: request.input, ...(config === undefined ? {} : { config }) };
  const path = `/api/v1/execute/${kind}/${encodeURIComponent(name)}`;
  const answer = await withServer(context, input, (connection) => connection.call('POST', path, body));
  // An ensemble may answer with a body of its own, which is then all there is.
  return isJsonObject(answer) && typeof answer.success === 'boolean' ? answer : { success: true, output: answer };
}

async function inputOf(context: Context, input: Input): Promise<JsonValue> {
  const { io } = context;
  const text = input.text('input');
  const file = input.text('file');
  if (text !== undefined && file !== undefined)
    throw new UsageError('Give the input with -i or with -f, not with both.');
  if (text !== undefined) return parse(text, 'The input (-i)');
  if (file !== undefined && file !== '-') return parse(readFile(context, file), file);
  const piped = await io.readPiped();
  return piped === undefined || piped.trim() === '' ? {} : parse(piped, 'Standard input');
}

function configOf(input: Input, kind: Request['kind']): JsonObject | undefined {
  const text = input.text('config');
  if (text === undefined) return undefined;
  if (kind === 'ensemble') throw new UsageError('--config is for agents: add --agent.');
  const config = parse(text, 'The config (-c)');
  if (!isJsonObject(config)) throw new CliError('The config (-c) must be a JSON object.');
  return config;
}

function readFile({ io }: Context, file: string): string {
  try {
    return io.readFile(file);
  } catch (error) {
    throw new CliError(`${file} cannot be read: ${readFault(error)}.`);
  }
}

function parse(text: string, what: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${what} is not valid JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

function plain(value: JsonValue): string {
  return `${typeof value === 'string' ? value : JSON.stringify(value, null, 2)}\n`;
}
