import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSql } from './sql-text.ts';

describe('SQL as it is read', () => {
  it('numbers the placeholders of Postgres, outside of strings, names and comments', () => {
    const read = (sql: string) => readSql(sql, 'postgres').text;
    expect(read('select ? + ?')).toBe('select $1 + $2');
    expect(read(`select '?', "a?", $$ ? $$, $t$ ? $t$, e'\\'?' /* ? /* ? */ ? */, ? -- ?`)).toBe(
      `select '?', "a?", $$ ? $$, $t$ ? $t$, e'\\'?' /* ? /* ? */ ? */, $1`,
    );
    expect(read('select \'{"a":1}\'::jsonb ?? ?')).toBe('select \'{"a":1}\'::jsonb ? $1');
    expect(read("select 'it''s ?', ?;;")).toBe("select 'it''s ?', $1");
  });

  it('leaves those of SQLite', () => {
    expect(readSql('select ?, `?`, [?] from t -- end\n ;', 'sqlite')).toMatchObject({
      text: 'select ?, `?`, [?] from t',
      parameters: 1,
    });
  });

  it('knows what gives rows', () => {
    const gives = (sql: string) => readSql(sql, 'sqlite').returnsRows;
    expect(gives('select 1')).toBe(true);
    expect(gives('(select 1)')).toBe(true);
    expect(gives('with a as (select 1) select * from a')).toBe(true);
    expect(gives('insert into t values (1) returning id')).toBe(true);
    expect(gives("insert into t values ('returning')")).toBe(false);
    expect(gives('with a as (select 1) insert into t select * from a')).toBe(false);
  });

  it.each([
    "attach database 'x' as y",
    "/* select */ attach 'x' as y",
    "-- select\nATTACH 'x' as y",
    "vacuum into 'x'",
    'pragma journal_mode = off',
    'begin',
    'commit',
    'savepoint a',
    '',
    ' ; ',
    '-- nothing',
  ])('refuses %j on SQLite', (sql) => {
    expect(() => readSql(sql, 'sqlite')).toThrow(/not allowed|is empty/);
  });

  it.each([
    'begin',
    'COMMIT',
    'set role x',
    'reset all',
    'copy t to stdout',
    'listen x',
    'do $$ $$',
    'call f()',
    'discard all',
  ])('refuses %j on Postgres', (sql) => {
    expect(() => readSql(sql, 'postgres')).toThrow(/not allowed/);
  });

  it('refuses several statements, but not those in the body of a trigger', () => {
    expect(() => readSql('select 1; drop table t', 'sqlite')).toThrow(/One statement at a time/);
    expect(() => readSql("select ';' ; -- \n select 2", 'postgres')).toThrow(/One statement at a time/);
    expect(readSql("select ';';", 'sqlite').text).toBe("select ';'");
    const trigger = 'create trigger a after insert on t begin delete from u; end';
    expect(readSql(trigger, 'sqlite').text).toBe(trigger);
  });

  it('reads any text to its end, and adds nothing to it', () => {
    const piece = fc.constantFrom(
      "'",
      '"',
      '`',
      '[',
      ']',
      '/*',
      '*/',
      '--',
      '\n',
      '?',
      '$$',
      '$a$',
      "e'",
      '\\',
      ';',
      'x',
    );
    const parts = fc.array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 30 });
    fc.assert(
      fc.property(parts, (rest) => {
        const sql = `select ${rest.join('')}`;
        try {
          expect(sql.startsWith(readSql(sql, 'sqlite').text)).toBe(true);
        } catch (error) {
          expect(String(error)).toMatch(/One statement at a time/);
        }
      }),
    );
  });
});
