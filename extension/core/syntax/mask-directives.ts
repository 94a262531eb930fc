import type { DirectiveLine } from './mask-lex';
import type { MaskText } from './mask-text';
import type { Define, Include } from './masked';

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
  readonly includes: readonly Include[];
  readonly faults: readonly { readonly at: number; readonly message: string }[];
}

interface Open {
  readonly conditional: Conditional;
  readonly at: number;
  /** Conditions of the arms before this one, for `#elif` and `#else`. */
  readonly before: string[];
  readonly guard: boolean;
}

/** Reads all directives and blanks them. */
export function readDirectives(mask: MaskText, lines: readonly DirectiveLine[]): Directives {
  const conditionals: Conditional[] = [];
  const defines: Define[] = [];
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
        const guard = name === 'ifndef' && stack.length === 0 && isIncludeGuard(mask, lines, index, condition);
        const open: Open = { conditional: { arms: [] }, at: line.start, before: [when], guard };
        openArm(open, line.end, when);
        stack.push(open);
        break;
      }
      case 'elif':
      case 'else': {
        if (top === undefined) {
          faults.push({ at: line.start, message: `#${name} without #if` });
          break;
        }
        closeArm(top, line.start);
        const none = top.before.map((each) => `!(${each})`).join(' && ');
        openArm(top, line.end, name === 'else' ? none : `${none} && (${condition})`);
        if (name === 'elif') top.before.push(condition);
        break;
      }
      case 'endif': {
        if (top === undefined) {
          faults.push({ at: line.start, message: '#endif without #if' });
          break;
        }
        closeArm(top, line.start);
        stack.pop();
        if (!top.guard) conditionals.push(top.conditional);
        break;
      }
      case 'define': {
        const define = readDefine(line, text);
        if (define !== undefined) defines.push(define);
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
        break; // #undef, #error, #pragma, #line: nothing that facts need
    }
    mask.blank(line.start, line.end);
  }
  for (const open of stack) {
    faults.push({ at: open.at, message: '#if without #endif' });
    closeArm(open, mask.source.length);
    if (!open.guard) conditionals.push(open.conditional);
  }
  return { conditionals, defines, includes, faults };
}

/** The directive with comments and line continuations blanked, unit for unit. */
function directiveText(mask: MaskText, line: DirectiveLine): string {
  let text = '';
  for (let i = line.start; i < line.end; i++) text += String.fromCharCode(mask.unit(i));
  return text.replace(/\\(\r?)\n/g, (_, cr: string) => `  ${cr === '' ? '' : ' '}`);
}

/** The whole file is guarded by `#ifndef NAME` / `#define NAME` ... `#endif`: no condition of anything inside. */
function isIncludeGuard(mask: MaskText, lines: readonly DirectiveLine[], index: number, name: string): boolean {
  const next = lines[index + 1];
  if (index > 1 || next === undefined) return false;
  return new RegExp(`^#\\s*define\\s+${name.replace(/[^\w]/g, '')}\\b`).test(directiveText(mask, next));
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
