// `build`: the project as a bundle for a platform without Node. Prints what was written and what will not work there.
import type { CliCommand, Context } from '../command.ts';
import { type CloudflareBuild, UsageError } from '../host.ts';
import { requireProjectDir } from '../project.ts';
import { PROJECT_OPTION } from '../settings.ts';
import { problemCount, problemText } from '../ui/problems.ts';

export const build: CliCommand = {
  path: ['build'],
  summary: 'Bundle the project for Cloudflare Workers: worker.js and wrangler.toml',
  options: [
    ['--target <platform>', 'cloudflare'],
    ['--out <directory>', 'where the files go (default: dist/cloudflare in the project)'],
    PROJECT_OPTION,
  ],
  async run(context, input) {
    const target = input.required('target', 'Name the platform: --target cloudflare');
    if (target !== 'cloudflare') throw new UsageError(`There is no target "${target}": --target cloudflare`);
    const directory = requireProjectDir(context, input);
    const result = await context.host.buildCloudflare(directory, input.text('out') ?? `${directory}/dist/cloudflare`);
    for (const problem of result.problems) context.io.err(problemText(problem, context.style));
    if (result.built === null) {
      context.io.err(`${problemCount(result.problems)}\n`);
      return 1;
    }
    report(context, result.built);
    return 0;
  },
};

function report({ io, style }: Context, built: NonNullable<CloudflareBuild['built']>): void {
  const { bytes, kept, unbound, worker, wrangler } = built;
  io.out(`${style.good('✓')} ${worker} (${Math.ceil(bytes / 1024)} KiB)\n`);
  io.out(
    kept
      ? `  ${wrangler} was changed since it was written, and is left as it is\n`
      : `${style.good('✓')} ${wrangler}\n`,
  );
  for (const binding of unbound) io.err(`  It binds no KV namespace ${binding}, which the project uses.\n`);
}
