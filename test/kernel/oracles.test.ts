import { beforeAll, expect, it } from 'vitest';
import { lineOf } from '../../extension/core/syntax/facts';
import { cParser } from '../unit/linking';
import { canAsk, cscopeCalls, ctagsFunctions, type Found } from './oracles';
import { callsIn, type ReadFile, readTree, tally, whyNoCall } from './read-tree';
import { describeTree, TREES } from './trees';

/**
 * What ctags takes for a function's name and is none, by rule: a template's `FNAME(x)`, whose function we know as
 * `FNAME(x)`, and a macro call at file scope whose arguments it takes for parameters.
 */
function ctagsMistake({ line, name }: Found, { facts }: ReadFile): string | undefined {
  if (facts.functions.some((fn) => lineOf(fn.at) === line && fn.name.startsWith(`${name}(`))) return 'template name';
  return facts.fileScopeCalls.some((call) => call.name === name) ? 'macro call at file scope' : undefined;
}

function summary(reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([reason, count]) => `${count} ${reason}`).join(', ');
}

for (const name of TREES)
  describeTree(name, (top) => {
    let files: ReadonlyMap<string, ReadFile> = new Map();
    let maskMs = 0;
    const file = ({ file: path }: Found): ReadFile => {
      const found = files.get(path);
      if (found === undefined) throw new Error(`${path} was not read`);
      return found;
    };
    beforeAll(async () => {
      ({ files, maskMs } = await readTree(top));
    }, 60_000);

    it('has hardly a syntax error once it is masked', async () => {
      const parser = await cParser();
      const faults = (text: string): { errors: number; missing: number } => {
        const tree = parser.parse(text);
        if (tree === null) throw new Error('not parsed');
        const cursor = tree.walk();
        let errors = 0;
        let missing = 0;
        for (let more = true; more;) {
          if (cursor.nodeType === 'ERROR') errors += 1;
          if (cursor.nodeIsMissing) missing += 1;
          more = cursor.gotoFirstChild() || cursor.gotoNextSibling();
          while (!more && cursor.gotoParent()) more = cursor.gotoNextSibling();
        }
        cursor.delete();
        tree.delete();
        return { errors, missing };
      };
      const total = { raw: { errors: 0, missing: 0 }, masked: { errors: 0, missing: 0 } };
      for (const { text, masked } of files.values())
        for (const [kind, found] of [['raw', faults(text)], ['masked', faults(masked.text)]] as const) {
          total[kind].errors += found.errors;
          total[kind].missing += found.missing;
        }
      console.info(
        `Linux ${name}: ${total.raw.errors} ERROR and ${total.raw.missing} MISSING nodes, masked ${total.masked.errors} and ${total.masked.missing}; masking ${files.size} files took ${Math.round(maskMs)} ms`,
      );
      expect(total.raw.errors + total.raw.missing).toBeGreaterThan(1000);
      expect(total.masked.errors + total.masked.missing).toBeLessThanOrEqual(7);
    }); // prettier-ignore

    it.skipIf(!canAsk('ctags'))('has the functions that ctags finds, but for its mistakes, and no others', () => {
      const tags = ctagsFunctions(top, [...files.keys()]);
      const known = new Set(
        [...files.values()].flatMap(({ path, facts }) => facts.functions.map((fn) => `${path}:${lineOf(fn.at)} ${fn.name}`)),
      );
      const key = ({ file: path, line, name: of }: Found): string => `${path}:${line} ${of}`;
      const missing = tags.filter((tag) => !known.has(key(tag)));
      const reasons = tally(missing.flatMap((tag) => ctagsMistake(tag, file(tag)) ?? []));
      const lost = missing.filter((tag) => ctagsMistake(tag, file(tag)) === undefined).map(key);
      const seen = new Set(tags.map(key));
      const extra = [...files.values()].flatMap(({ path, facts }) =>
        facts.functions
          .filter((fn) => fn.from === undefined && !fn.name.startsWith('FNAME('))
          .map((fn) => `${path}:${lineOf(fn.at)} ${fn.name}`)
          .filter((fn) => !seen.has(fn)),
      );
      console.info(
        `Linux ${name}: ctags ${tags.length} functions (its mistakes: ${summary(reasons)}), ${lost.length} not found by us, ${extra.length} found by us alone`,
      );
      expect(tags.length).toBeGreaterThan(3000);
      expect(missing.length - lost.length).toBeLessThan(0.01 * tags.length);
      expect(lost.length, lost.join('\n')).toBeLessThanOrEqual(0.001 * tags.length);
      expect(extra.length, extra.join('\n')).toBeLessThanOrEqual(0.001 * tags.length);
    }); // prettier-ignore

    it.skipIf(!canAsk('cscope'))('has the calls that cscope finds, but for what is no call', () => {
      const calls = cscopeCalls(top, [...files.keys()]);
      const mine = tally(
        [...files.values()].flatMap(({ path, facts }) =>
          callsIn([facts.functions, facts.macros, facts.variables]).map((call) => `${path}:${call}`),
        ),
      );
      const missing = calls.filter((call) => {
        const key = `${call.file}:${call.line} ${call.name}`;
        const left = mine.get(key) ?? 0;
        mine.set(key, left - 1);
        return left <= 0;
      });
      const reason = (call: Found): string | undefined => whyNoCall(file(call), call.line, call.name);
      const reasons = tally(missing.flatMap((call) => reason(call) ?? []));
      const lost = missing.filter((call) => reason(call) === undefined);
      console.info(
        `Linux ${name}: cscope ${calls.length} calls (no calls: ${summary(reasons)}), ${lost.length} not found by us`,
      );
      expect(calls.length).toBeGreaterThan(15_000);
      expect(missing.length - lost.length).toBeLessThan(0.01 * calls.length);
      expect(lost).toEqual([]);
    });
  });
