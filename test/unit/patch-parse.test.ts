import { describe, expect, it } from 'vitest';
import { InputError } from '../../extension/core/input-error';
import { parsePatch } from '../../extension/core/patch/parse';

const HUNK = ['@@ -1,3 +1,4 @@ int f(void)', ' {', '+\tg();', ' \treturn 0;', ' }'];

function only(text: string): ReturnType<typeof parsePatch>[number] {
  const files = parsePatch(text);
  expect(files).toHaveLength(1);
  return files[0] as (typeof files)[number];
}

describe('a patch', () => {
  it('is read out of a mail, whose signature deletes no line', () => {
    const text = [
      'From 0123 Mon Sep 17 00:00:00 2001',
      'Subject: [PATCH 1/2] KVM: x86: zap',
      '',
      'Some text with a line of dashes',
      '--- like a header',
      '---',
      ' a.c | 1 +',
      '',
      'diff --git a/a.c b/a.c',
      'index 123..456 100644',
      '--- a/a.c',
      '+++ b/a.c',
      ...HUNK,
      '-- ',
      '2.39.0',
      '',
    ].join('\n');
    const { hunks, oldPath, newPath } = only(text);
    expect([oldPath, newPath]).toEqual(['a/a.c', 'b/a.c']);
    expect(hunks[0]?.lines.map(({ op, text: line }) => op + line)).toEqual([' {', '+\tg();', ' \treturn 0;', ' }']);
    expect(hunks[0]?.at).toBe(13);
  });

  it('may come from diff -u, with times behind the names and no git header', () => {
    const { oldPath, newPath } = only(
      ['--- linux.orig/a.c\t2024-01-01 00:00:00', '+++ linux/a.c\t2024-01-02 00:00:00', ...HUNK, ''].join('\n'),
    );
    expect([oldPath, newPath]).toEqual(['linux.orig/a.c', 'linux/a.c']);
  });

  it('may have lost the blanks of its empty context lines and have CRLF line ends', () => {
    const { hunks } = only(['--- a/a.c', '+++ b/a.c', '@@ -1,3 +1,2 @@', ' x', '', '-y', ''].join('\r\n'));
    expect(hunks[0]?.lines).toEqual([
      { op: ' ', text: 'x' },
      { op: ' ', text: '' },
      { op: '-', text: 'y' },
    ]);
  });

  it('tells new, deleted, renamed and binary files apart', () => {
    const files = parsePatch(
      [
        'diff --git a/new.c b/new.c',
        'new file mode 100644',
        '--- /dev/null',
        '+++ b/new.c',
        '@@ -0,0 +1 @@',
        '+x',
        '\\ No newline at end of file',
        'diff --git a/old.c b/old.c',
        'deleted file mode 100644',
        '--- a/old.c',
        '+++ /dev/null',
        '@@ -1 +0,0 @@',
        '-x',
        'diff --git a/from.c b/to.c',
        'similarity index 100%',
        'rename from from.c',
        'rename to to.c',
        'diff --git a/x.png b/x.png',
        'Binary files a/x.png and b/x.png differ',
        '',
      ].join('\n'),
    );
    expect(files.map(({ oldPath, newPath, move, binary }) => [oldPath, newPath, move, binary])).toEqual([
      [null, 'b/new.c', undefined, false],
      ['a/old.c', null, undefined, false],
      ['a/from.c', 'b/to.c', 'rename', false],
      ['a/x.png', 'b/x.png', undefined, true],
    ]);
    expect(files[0]?.hunks[0]?.newOpenEnd).toBe(true);
  });

  it('has names in quotes, with octal bytes', () => {
    const { newPath } = only(
      ['diff --git "a/\\303\\244 b.c" "b/\\303\\244 b.c"', 'old mode 100644', 'new mode 100755', ''].join('\n'),
    );
    expect(newPath).toBe('b/ä b.c');
  });

  it.each([
    ['nothing', ''],
    ['a mail without a diff', 'Subject: hello\n\n--- a/a.c is where it is\n'],
  ])('is none: %s', (_title, text) => {
    expect(() => parsePatch(text)).toThrow(InputError);
  });

  it('that is cut off in a hunk is refused, with the line', () => {
    const text = ['--- a/a.c', '+++ b/a.c', ...HUNK.slice(0, -1), ''].join('\n');
    expect(() => parsePatch(text)).toThrow(/^malformed at line 7: the hunk at line 3 .* has fewer lines/);
  });
});
