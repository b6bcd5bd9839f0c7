// `workflow validate`: judges a definition as the server would at registration, and warns of properties nobody reads.
import { unknownProperties } from '../../engine/plan/unknown-properties.ts';
import { validateDefinition } from '../../engine/plan/validate-definition.ts';
import { pathText } from '../../http/body.ts';
import { AppError, type FieldError } from '../../model/error.ts';
import type { JsonValue } from '../../model/json.ts';
import { workflowDefinitionSchema } from '../../model/workflow-definition.ts';
import type { CliCommand, Context } from '../command.ts';
import { CliError } from '../host.ts';
import { JSON_OPTION } from '../settings.ts';

interface Verdict {
  readonly name: string;
  readonly errors: readonly FieldError[];
  readonly warnings: readonly string[];
}

export const workflowValidate: CliCommand = {
  path: ['workflow', 'validate'],
  summary: 'Check a workflow definition (one, or a list of them) without a server',
  args: [['<file>', 'JSON file']],
  options: [JSON_OPTION],
  async run(context, input) {
    const file = input.arg(0);
    const document = readDocument(context, file);
    const verdicts = (Array.isArray(document) ? document : [document]).map(judge);
    if (input.flag('json')) context.io.out(`${JSON.stringify({ file, definitions: verdicts })}\n`);
    else for (const verdict of verdicts) print(context, verdict);
    return verdicts.every((verdict) => verdict.errors.length === 0) ? 0 : 1;
  },
};

function readDocument({ io }: Context, file: string): JsonValue {
  let text: string;
  try {
    text = io.readFile(file);
  } catch {
    throw new CliError(`${file} cannot be read.`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CliError(`${file} is not valid JSON: ${error instanceof Error ? error.message : ''}`);
  }
}

function judge(document: JsonValue): Verdict {
  const parsed = workflowDefinitionSchema.safeParse(document);
  if (!parsed.success) {
    const errors = parsed.error.issues.map(({ path, message }) => ({ path: pathText(path), message }));
    return { name: nameOf(document), errors, warnings: unknownIn(document) };
  }
  const { name } = parsed.data;
  try {
    return { name, errors: [], warnings: validateDefinition(parsed.data, document).warnings };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const errors = error.fields.length > 0 ? error.fields : [{ path: '', message: error.message }];
    return { name, errors, warnings: unknownIn(document) };
  }
}

/** Of a definition that is refused too: a slip of the pen is often why. */
function unknownIn(document: JsonValue): string[] {
  return unknownProperties(document).map(({ message }) => message);
}

function nameOf(document: JsonValue): string {
  const name = typeof document === 'object' && document !== null && 'name' in document ? document.name : undefined;
  return typeof name === 'string' && name !== '' ? name : '(no name)';
}

function print({ io, style }: Context, { name, errors, warnings }: Verdict): void {
  for (const { path, message } of errors) {
    io.err(`${style.bad('error:')} ${name}: ${path === '' ? '' : `${path}: `}${message}\n`);
  }
  for (const warning of warnings) io.err(`${style.warn('warning:')} ${name}: ${warning}\n`);
  if (errors.length === 0) io.out(`${style.good('✓')} ${name} is valid\n`);
}
