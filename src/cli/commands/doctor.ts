// `doctor`: what commonly stands in the way of a start, each with what to do about it.
import type { CliCommand, Context, Input } from '../command.ts';
import { DATABASE_OPTIONS, databaseOf } from '../database.ts';
import { type Finding, UnreachableError } from '../host.ts';
import { projectFindings } from '../project-findings.ts';
import {
  DATA_DIR_OPTION,
  dataDirOf,
  JSON_OPTION,
  MASTER_KEY_OPTION,
  masterKeyFault,
  masterKeyOf,
  PROJECT_OPTION,
} from '../settings.ts';

const NODE_LEAST = [20, 19] as const;

export const doctor: CliCommand = {
  path: ['doctor'],
  summary: 'Check what the server needs, and the project',
  options: [PROJECT_OPTION, DATA_DIR_OPTION, MASTER_KEY_OPTION, ...DATABASE_OPTIONS, JSON_OPTION],
  async run(context, input) {
    const findings = [
      nodeVersion(),
      dataDirectory(context, input),
      masterKey(context, input),
      ...(await projectFindings(context, input)),
      ...(await database(context, input)),
      await server(context, input),
    ];
    const { io, style } = context;
    if (input.flag('json')) io.out(`${JSON.stringify(findings)}\n`);
    else {
      for (const { ok, check, detail } of findings) {
        io.out(`${ok ? style.good('✓') : style.bad('✗')} ${check}: ${detail}\n`);
      }
    }
    return findings.every((finding) => finding.ok) ? 0 : 1;
  },
};

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > NODE_LEAST[0] || (major === NODE_LEAST[0] && minor >= NODE_LEAST[1]);
  return {
    check: 'Node',
    ok,
    detail: `${process.versions.node}${ok ? '' : `; needs ${NODE_LEAST.join('.')} or later`}`,
  };
}

function dataDirectory(context: Context, input: Input): Finding {
  const dataDir = dataDirOf(context, input);
  const ok = context.host.writable(dataDir);
  return {
    check: 'Data directory',
    ok,
    detail: `${dataDir}${ok ? '' : ' cannot be written; give another --data'}`,
  };
}

function masterKey(context: Context, input: Input): Finding {
  const check = 'Master key';
  try {
    const text = masterKeyOf(context, input);
    if (text === undefined) return { check, ok: true, detail: notSet(context, input) };
    const fault = masterKeyFault(text);
    return { check, ok: fault === null, detail: fault ?? 'set' };
  } catch (error) {
    return { check, ok: false, detail: messageOf(error) };
  }
}

function notSet(context: Context, input: Input): string {
  const file = context.host.masterKeyFile(dataDirOf(context, input));
  const used = file === null ? '`dev` makes one in the data directory' : `\`dev\` uses ${file}`;
  return `not set: ${used}, \`start\` refuses`;
}

/** A shared database is looked at, not opened: to open it would make its schema, or bring it up to date. */
async function database(context: Context, input: Input): Promise<readonly Finding[]> {
  const settings = databaseOf(context, input);
  return settings ? context.host.checkDatabase(settings) : [];
}

/** Opens the embedded store where no server runs: that tries the database driver, the file and the master key at once. */
async function server(context: Context, input: Input): Promise<Finding> {
  const dataDir = dataDirOf(context, input);
  try {
    const running = context.host.running(dataDir);
    if (running) {
      await context.host.connect(running.url, running.localKey).call('GET', '/health');
      return { check: 'Server', ok: true, detail: `running at ${running.url}` };
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) return { check: 'Server', ok: false, detail: messageOf(error) };
  }
  if (databaseOf(context, input)) return { check: 'Server', ok: true, detail: 'not running here' };
  try {
    const target = { dataDir, masterKey: masterKeyOf(context, input), database: undefined };
    await (await context.host.openStore(target)).close();
    return { check: 'Server', ok: true, detail: 'not running; the database opens' };
  } catch (error) {
    return { check: 'Server', ok: false, detail: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
