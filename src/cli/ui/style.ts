// Colours, where the terminal wants them. Meaning is never carried by colour alone.
import picocolors from 'picocolors';

export interface Style {
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

export function createStyle(color: boolean): Style {
  const colors = picocolors.createColors(color);
  return {
    good: (text) => colors.green(text),
    warn: (text) => colors.yellow(text),
    bad: (text) => colors.red(text),
    dim: (text) => colors.dim(text),
    bold: (text) => colors.bold(text),
  };
}
