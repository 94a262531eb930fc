import type { Expr } from '../syntax/facts';

/** An expression in C's words, short: for showing what is stored where. */
export function exprWords(x: Expr): string {
  switch (x.k) {
    case 'id':
      return x.name;
    case 'num':
    case 'str':
    case 'opaque':
      return x.text;
    case 'call':
      return `${exprWords(x.fn)}(${x.args.map(exprWords).join(', ')})`;
    case 'unary':
      return x.op.startsWith('post') ? `${exprWords(x.x)}${x.op.slice(4)}` : `${x.op}${inner(x.x)}`;
    case 'binary':
      return x.op === ',' ? `${exprWords(x.l)}, ${exprWords(x.r)}` : `${inner(x.l)} ${x.op} ${inner(x.r)}`;
    case 'assign':
      return `${exprWords(x.l)} ${x.op} ${exprWords(x.r)}`;
    case 'cond':
      return `${inner(x.c)} ? ${x.a === undefined ? '' : inner(x.a)} : ${inner(x.b)}`;
    case 'member':
      return `${exprWords(x.x)}${x.arrow ? '->' : '.'}${x.field}`;
    case 'index':
      return `${exprWords(x.x)}[${exprWords(x.i)}]`;
    case 'cast':
      return `(${x.type})${inner(x.x)}`;
    case 'sizeof':
      return `sizeof(${x.type ?? (x.x === undefined ? '' : exprWords(x.x))})`;
    case 'type':
      return x.type;
    case 'block':
      return '({ ... })';
    case 'init':
      return '{ ... }';
  }
}

function inner(x: Expr): string {
  return x.k === 'binary' || x.k === 'cond' || x.k === 'assign' ? `(${exprWords(x)})` : exprWords(x);
}
