// The ensembles that every project has unless it brings its own of the same name. YAML like anybody's: they get no
// privilege that a user's file could not have.
import type { SourceFile } from '../project.ts';
import { DOCS_SERVE } from './docs-serve.ts';

/** The `docs` block of the configuration. */
export interface DocsSettings {
  readonly enabled: boolean;
  /** Null: the project's name. */
  readonly title: string | null;
  readonly auth: {
    /** Who may read what docs-serve shows; null: as shipped, everybody. */
    readonly requirement: 'public' | 'optional' | 'required' | null;
  };
}

const PUBLIC = 'public: true # Explicitly public for docs';
const CONFIG = 'basePath: /docs';

export function builtInEnsembles({ enabled, title, auth }: DocsSettings): readonly SourceFile[] {
  if (!enabled) return [];
  const { requirement } = auth;
  const access =
    requirement === null || requirement === 'public'
      ? PUBLIC
      : `auth: { requirement: ${requirement} } # As docs.auth says`;
  const config = title === null ? CONFIG : `${CONFIG}\n      title: ${JSON.stringify(plain(title))}`;
  return [{ ...DOCS_SERVE, text: DOCS_SERVE.text.replace(PUBLIC, () => access).replace(CONFIG, () => config) }];
}

/** A title is text, whatever it looks like. */
function plain(title: string): string {
  return title.replaceAll(/\$\{|\{\{/g, String.raw`\$&`);
}
