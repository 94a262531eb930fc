import type { DirectiveLine } from './mask-lex';
import type { MaskText } from './mask-text';
import type { Define, Include, Undef } from './masked';

/** The branches of one `#if ... #endif`, in order. */
export interface Conditional {
  readonly arms: Arm[];
}

/** `[start, end)` lies between two directives. `when` is this arm's own condition in positive sense. */
export interface Arm {
  readonly start: number;
  end: number;
  readonly when: string;
}

export interface Directives {
  /** Sorted by end: an inner one comes before its outer one. */
  readonly conditionals: readonly Conditional[];
  readonly defines: readonly Define[];
  readonly undefs: readonly Undef[];
  readonly includes: readonly Include[];
  readonly faults: readonly { readonly at: number; readonly message: string }[];
}

interface Open {
  readonly conditional: Conditional;
  readonly at: number;
  /** Conditions of the arms before this one, for `#elif` and `#else`; of the first ones, if they are very many. */
  readonly before: string[];
  /** The `#define` of what seems to be an include guard. */
  readonly guard: DirectiveLine | undefined;
}

/** Deeper nesting is no program, and would take time that grows with its square. */
const DEEPEST = 100;
/** Of so many arms the conditions say that they were not taken; of more it would be a text without end. */
const MOST_ARMS = 64;

/** Reads all directives and blanks them. */
export function readDirectives(mask: MaskText, lines: readonly DirectiveLine[]): Directives {
  const conditionals: Conditional[] = [];
  const defines: Define[] = [];
  const undefs: Undef[] = [];
  const includes: Include[] = [];
  const faults: { at: number; message: string }[] = [];
  const stack: Open[] = [];
  const closeArm = (open: Open, end: number): void => {
    const arm = open.conditional.arms.at(-1);
    if (arm !== undefined) arm.end = end;
  };
  const openArm = (open: Open, start: number, when: string): void => {
    open.conditional.arms.push({ start, end: start, when });
  };

  for (const [index, line] of lines.entries()) {
    const text = directiveText(mask, line);
    const match = /^#\s*([a-z]+)([\s\S]*)$/.exec(text);
    if (match === null) {
      mask.blank(line.start, line.end);
      continue;
    }
    const name = match[1] ?? '';
    const rest = match[2] ?? '';
    const condition = rest.replace(/\s+/g, ' ').trim();
    const top = stack.at(-1);
    switch (name) {
      case 'if':
      case 'ifdef':
      case 'ifndef': {
        const when =
          name === 'if' ? condition : name === 'ifdef' ? `defined(${condition})` : `!(defined(${condition}))`;
        const guard =
          name === 'ifndef' && stack.length === 0 ? guardingDefine(mask, lines, index, condition) : undefined;
        const open: Open = { conditional: { arms: [] }, at: line.start, before: [when], guard };
        openArm(open, line.end, when);
        if (stack.length === DEEPEST) faults.push({ at: line.start, message: '#if nested too deeply' });
        stack.push(open);
        break;
      }
      case 'elif':
      case 'elifdef':
      case 'elifndef':
      case 'else': {
        if (top === undefined) {
          faults.push({ at: line.start, message: `#${name} without #if` });
          break;
        }
        closeArm(top, line.start);
        const none = top.before.map((each) => `!(${each})`).join(' && ');
        const own =
          name === 'elifdef' ? `defined(${condition})` : name === 'elifndef' ? `!(defined(${condition}))` : condition;
        openArm(top, line.end, name === 'else' ? none : `${none} && (${own})`);
        if (name !== 'else' && top.before.length < MOST_ARMS) top.before.push(own);
        break;
      }
      case 'endif': {
        if (top === undefined) {
          faults.push({ at: line.start, message: '#endif without #if' });
          break;
        }
        closeArm(top, line.start);
        stack.pop();
        const { arms } = top.conditional;
        const isDefault =
          lines[index - 1]?.start === top.guard?.start && isBlank(mask, top.guard?.end ?? 0, line.start);
        const isGuard = top.guard !== undefined && arms.length === 1 && !isDefault;
        if (!isGuard && stack.length < DEEPEST) conditionals.push(top.conditional);
        break;
      }
      case 'define': {
        const define = readDefine(line, text);
        if (define !== undefined) defines.push(define);
        break;
      }
      case 'undef': {
        const name = /^\s*([A-Za-z_]\w*)/.exec(rest)?.[1];
        if (name !== undefined) undefs.push({ name, start: line.start });
        break;
      }
      case 'include': {
        const target = /^\s*(?:<([^>]*)>|"([^"]*)")/.exec(rest);
        if (target !== null) {
          const system = target[1] !== undefined;
          includes.push({ target: target[1] ?? target[2] ?? '', system, start: line.start });
        }
        break;
      }
      default:
        break; // #error, #pragma, #line: nothing that facts need
    }
    mask.blank(line.start, line.end);
  }
  for (let open = stack.pop(); open !== undefined; open = stack.pop()) {
    faults.push({ at: open.at, message: '#if without #endif' });
    closeArm(open, mask.source.length);
    if (open.guard === undefined && stack.length < DEEPEST) conditionals.push(open.conditional);
  }
  return { conditionals, defines, undefs, includes, faults };
}

/** The directive with comments and line continuations blanked, unit for unit. */
function directiveText(mask: MaskText, line: DirectiveLine): string {
  return mask.slice(line.start, line.end).replace(/\\(\r?)\n/g, (_, cr: string) => `  ${cr === '' ? '' : ' '}`);
}

/** Nothing but white space and comments (which are blank by now). */
function isBlank(mask: MaskText, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (mask.unit(i) > 32) return false;
  return true;
}

/**
 * The `#define NAME` behind `#ifndef NAME` before all other directives: the whole file is guarded, which is no
 * condition of anything inside, unless nothing else stands before the `#endif` (a default for `NAME`).
 */
function guardingDefine(
  mask: MaskText,
  lines: readonly DirectiveLine[],
  index: number,
  name: string,
): DirectiveLine | undefined {
  const next = lines[index + 1];
  if (index > 1 || next === undefined || !/^\w+$/.test(name)) return undefined;
  return /^#\s*define\s+(\w+)/.exec(directiveText(mask, next))?.[1] === name ? next : undefined;
}

function readDefine(line: DirectiveLine, text: string): Define | undefined {
  const head = /^#\s*define\s+([A-Za-z_]\w*)(?:\(([^)]*)\))?/.exec(text);
  if (head === null) return undefined;
  const name = head[1] ?? '';
  const nameStart = line.start + head[0].indexOf(name, head[0].indexOf('define') + 6);
  const body = text.slice(head[0].length);
  const bodyStart = line.start + head[0].length;
  if (head[2] === undefined) return { name, nameStart, body, bodyStart };
  const params = head[2]
    .split(',')
    .map((param) => param.trim())
    .filter((param) => param !== '');
  return { name, nameStart, params, body, bodyStart };
}
