import type { Expr, Parameter, TypeText } from '../syntax/facts';
import type { Flow } from './flow';
import { definitionOf } from './functions';
import type { FunctionNode } from './program';
import { localAt, mayHoldFunction } from './types';
import type { Frame } from './values';
import { functionsMeant, type World } from './world';

/** Whether an expression could be a pointer to a function, told cheaply from names and declared types. */
export class PointerTest {
  private pointerFieldNames: Set<string> | undefined;

  /** @param flow what tables hold when bodies are read: a field that holds a function is a pointer, whatever its type's name */
  constructor(
    private readonly world: World,
    private readonly flow: Flow,
  ) {}

  /** A cheap test before the work: could this expression be a pointer to a function? */
  mayBe(x: Expr, frame: Frame): boolean {
    const { world } = this;
    switch (x.k) {
      case 'id': {
        const local = localAt(frame.uses?.locals.get(x.name), x.at);
        if (local !== undefined) return world.types.isFunctionPointer(local.type);
        if (world.functions.has(x.name)) return true;
        if (/^[A-Z0-9_]+$/.test(x.name)) return false;
        const variable = world.definitions.variables.get(x.name)?.[0];
        if (variable !== undefined) return world.types.isFunctionPointer(variable.fact.type);
        return functionsMeant(world, x.name, frame.file).length > 0;
      }
      case 'unary':
        return (x.op === '&' || x.op === '*') && this.mayBe(x.x, frame);
      case 'cast':
        return this.mayBe(x.x, frame);
      case 'cond':
        return (x.a !== undefined && this.mayBe(x.a, frame)) || this.mayBe(x.b, frame);
      case 'assign':
        return this.mayBe(x.r, frame);
      case 'member':
        return this.pointerFields().has(x.field);
      case 'index':
        return this.mayBe(x.x, frame);
      case 'block': {
        const last = x.body.at(-1);
        return last?.k === 'expr' && this.mayBe(last.x, frame);
      }
      case 'call':
        return x.fn.k === 'id' && this.callMayGiveFunction(x.fn.name, x.args, frame);
      default:
        return false;
    }
  }

  /** Whether a place is declared as a pointer to a function. */
  isPointer(place: Expr, frame: Frame): boolean {
    if (place.k === 'id') {
      const local = localAt(frame.uses?.locals.get(place.name), place.at);
      return local !== undefined && this.world.types.isFunctionPointer(local.type);
    }
    return place.k === 'member' && this.pointerFields().has(place.field);
  }

  /** The parameter at a position, if it can take a pointer to a function: all but structs' pointers and numbers. */
  parameter(fn: FunctionNode, index: number): Parameter | undefined {
    const param = definitionOf(fn)?.params[index];
    return param !== undefined && param.name !== '' && this.mayHold(param.type) ? param : undefined;
  }

  /** Whether any of a function's parameters can. */
  takesFunction(fn: FunctionNode): boolean {
    const params = definitionOf(fn)?.params;
    if (params === undefined) return false;
    for (let i = 0; i < params.length; i++) if (this.parameter(fn, i) !== undefined) return true;
    return false;
  }

  private mayHold(type: TypeText): boolean {
    let known = this.holding.get(type);
    if (known === undefined) {
      known = mayHoldFunction(this.world.types.resolveType(type));
      this.holding.set(type, known);
    }
    return known;
  }
  private readonly holding = new Map<TypeText, boolean>();

  private callMayGiveFunction(name: string, args: readonly Expr[], frame: Frame): boolean {
    const fact = definitionOf(this.world.functions.all(name)[0]);
    if (fact !== undefined) return this.world.types.isFunctionPointer(fact.returns);
    return args.length === 1 && args[0] !== undefined && this.mayBe(args[0], frame);
  }

  private pointerFields(): ReadonlySet<string> {
    if (this.pointerFieldNames === undefined) {
      this.pointerFieldNames = new Set();
      for (const all of this.world.definitions.structs.values())
        for (const { fact } of all)
          for (const field of fact.fields)
            if (this.world.types.isFunctionPointer(field.type)) this.pointerFieldNames.add(field.name);
      for (const cell of this.flow.cells())
        if (cell[0] === 'f' || cell[0] === '*')
          this.pointerFieldNames.add(cell.slice(cell.lastIndexOf(cell[0] === 'f' ? '.' : ':') + 1));
    }
    return this.pointerFieldNames;
  }
}
