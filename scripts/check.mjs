// `npm run check`: build, types, style, arrows between parts, unused code. Seconds, not minutes.
import { runChecks } from './checks.mjs';

const { failed } = await runChecks();
process.exitCode = failed === 0 ? 0 : 1;
