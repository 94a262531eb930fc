import type { Expr, InitItem, Stmt } from '../../extension/core/syntax/facts';

/**
 * Lowered code as one line, every operator in brackets and every type in angle brackets, so that a test says exactly
 * how C was understood: `a + b * c` is `[a + [b * c]]`, `(u32)x->f` is `<u32>x->f`.
 */
export function showExpr(x: Expr): string {
  switch (x.k) {
    case 'id':
      return x.name;
    case 'num':
    case 'str':
      return x.text;
    case 'opaque':
      return `OPAQUE(${x.text})`;
    case 'call':
      return `${showExpr(x.fn)}(${x.args.map(showExpr).join(', ')})`;
    case 'unary':
      return x.op.startsWith('post') ? `[${showExpr(x.x)} ${x.op.slice(4)}]` : `[${x.op} ${showExpr(x.x)}]`;
    case 'binary':
    case 'assign':
      return `[${showExpr(x.l)} ${x.op} ${showExpr(x.r)}]`;
    case 'cond':
      return `[${showExpr(x.c)} ? ${x.a === undefined ? '' : showExpr(x.a)} : ${showExpr(x.b)}]`;
    case 'member':
      return `${showExpr(x.x)}${x.arrow ? '->' : '.'}${x.field}`;
    case 'index':
      return `${showExpr(x.x)}[${showExpr(x.i)}]`;
    case 'cast':
      return `[<${x.type}> ${showExpr(x.x)}]`;
    case 'sizeof':
      return `sizeof(${x.type !== undefined ? `<${x.type}>` : x.x === undefined ? '' : showExpr(x.x)})`;
    case 'type':
      return `<${x.type}>`;
    case 'block':
      return `({ ${showStmts(x.body)} })`;
    case 'init':
      return `${x.type === undefined ? '' : `<${x.type}>`}{${x.items.map(showItem).join(', ')}}`;
  }
}

function showItem(item: InitItem): string {
  const when = item.when === undefined ? '' : `#if ${item.when.join(' + ')}: `;
  const index = item.index === undefined ? '' : showExpr(item.index);
  const last = item.last === undefined ? '' : ` ... ${showExpr(item.last)}`;
  const place = item.fields !== undefined ? `.${item.fields.join('.')} = ` : index === '' ? '' : `[${index}${last}] = `;
  return `${when}${place}${showExpr(item.value)}`;
}

export function showStmts(body: readonly Stmt[]): string {
  return body.map(showStmt).join(' ');
}

function showStmt(s: Stmt): string {
  switch (s.k) {
    case 'expr':
      return `${showExpr(s.x)};`;
    case 'decl': {
      const init = s.init === undefined ? '' : ` = ${showExpr(s.init)}`;
      const cleanup = s.cleanup === undefined ? '' : ` cleanup(${s.cleanup})`;
      return `${s.static ? 'static ' : ''}<${s.type}> ${s.name}${cleanup}${init};`;
    }
    case 'if':
      return `if (${showExpr(s.c)}) ${braced(s.then)}${s.else === undefined ? '' : ` else ${braced(s.else)}`}`;
    case 'switch':
      return `switch (${showExpr(s.x)}) ${braced(s.body)}`;
    case 'case':
      if (s.lo === undefined) return 'default:';
      return `case ${showExpr(s.lo)}${s.hi === undefined ? '' : ` ... ${showExpr(s.hi)}`}:`;
    case 'label':
      return `${s.name}:`;
    case 'loop': {
      const c = s.c === undefined ? '' : showExpr(s.c);
      if (s.form !== 'for') return `${s.form} (${c}) ${braced(s.body)}`;
      const step = s.step === undefined ? '' : showExpr(s.step);
      return `for (${showStmts(s.init ?? [])} ${c}; ${step}) ${braced(s.body)}`;
    }
    case 'each':
      return `each ${s.macro}(${s.args.map(showExpr).join(', ')}) ${braced(s.body)}`;
    case 'guard': {
      const variable = s.variable === undefined ? '' : ` ${s.variable}`;
      const body = s.body === undefined ? ';' : ` ${braced(s.body)}`;
      return `${s.macro} ${s.name}${variable}(${s.args.map(showExpr).join(', ')})${body}`;
    }
    case 'return':
      return s.x === undefined ? 'return;' : `return ${showExpr(s.x)};`;
    case 'goto':
      return `goto ${s.label};`;
    case 'break':
    case 'continue':
      return `${s.k};`;
    case 'block':
      return braced(s.body);
    case 'when':
      return `#if ${s.when} ${braced(s.body)}`;
    case 'asm': {
      const labels = s.labels === undefined ? '' : ` : ${s.labels.join(', ')}`;
      return `asm(${s.outputs.map(showExpr).join(', ')} : ${s.inputs.map(showExpr).join(', ')}${labels});`;
    }
    case 'opaque':
      return `OPAQUE(${s.text})`;
  }
}

function braced(body: readonly Stmt[]): string {
  return body.length === 0 ? '{}' : `{ ${showStmts(body)} }`;
}
