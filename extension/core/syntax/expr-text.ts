import type { Expr } from './facts';

/**
 * An expression as C, one line: for showing what is stored where, and for macro arguments that are put into a text.
 * Blocks and initialisers are cut short to their brackets.
 */
export function exprText(x: Expr): string {
  switch (x.k) {
    case 'id':
      return x.name;
    case 'num':
    case 'str':
    case 'opaque':
      return x.text;
    case 'call':
      return `${exprText(x.fn)}(${x.args.map(exprText).join(', ')})`;
    case 'unary':
      return x.op.startsWith('post') ? `${exprText(x.x)}${x.op.slice(4)}` : `${x.op}${inner(x.x)}`;
    case 'binary':
      return x.op === ',' ? `${exprText(x.l)}, ${exprText(x.r)}` : `${inner(x.l)} ${x.op} ${inner(x.r)}`;
    case 'assign':
      return `${exprText(x.l)} ${x.op} ${exprText(x.r)}`;
    case 'cond':
      return `${inner(x.c)} ? ${x.a === undefined ? '' : inner(x.a)} : ${inner(x.b)}`;
    case 'member':
      return `${exprText(x.x)}${x.arrow ? '->' : '.'}${x.field}`;
    case 'index':
      return `${exprText(x.x)}[${exprText(x.i)}]`;
    case 'cast':
      return `(${x.type})${inner(x.x)}`;
    case 'sizeof':
      return `sizeof(${x.type ?? (x.x === undefined ? '' : exprText(x.x))})`;
    case 'type':
      return x.type;
    case 'block':
      return '({ ... })';
    case 'init':
      return '{ ... }';
  }
}

function inner(x: Expr): string {
  return x.k === 'binary' || x.k === 'cond' || x.k === 'assign' ? `(${exprText(x)})` : exprText(x);
}
