import type { Expr } from '../syntax/facts';
import type { Whereabouts } from './devices';
import { evaluate } from './evaluate';
import * as bits from './known-bits';
import type { Frame } from './machine';
import { tagOf } from './places';
import { bitsOf, type State, type Value } from './state';

/**
 * What is known of a device that a pointer was read for: devices on a bus are found through `kvm->buses[n]` and the
 * `dev` of a range of it (`struct kvm_io_range`). `buses 1` is the bus itself, and what a pointer to a device says is
 * also said of the pointer to its operations.
 */
export function whereaboutsRead(frame: Frame, x: Expr, state: State): Whereabouts | undefined {
  if (frame.machine.devices === undefined) return undefined;
  if (x.k === 'index') {
    if (x.x.k !== 'member' || x.x.field !== 'buses' || tagOf(frame, x.x.x) !== 'kvm') return undefined;
    const [after, index] = evaluate(frame, x.i, state);
    return `buses ${bits.single(bitsOf(after, index)) ?? '*'}`;
  }
  if (x.k !== 'member') return undefined;
  if (x.field === 'dev' && tagOf(frame, x.x) === 'kvm_io_range') {
    const bus = pointerBehind(x);
    const found = bus === undefined ? undefined : whereaboutsOf(evaluate(frame, bus, state)[1]);
    return found?.startsWith('buses ') === true ? `bus ${found.slice(6)}` : 'bus *';
  }
  if (x.field !== 'ops' || tagOf(frame, x.x) !== 'kvm_io_device') return undefined;
  if (x.arrow) return whereaboutsOf(evaluate(frame, x.x, state)[1]);
  return x.x.k === 'member' ? addressOf(frame, x.x) : undefined;
}

/** What is known of `&x->f` that is a device. */
export function addressOf(frame: Frame, x: Expr): Whereabouts | undefined {
  if (frame.machine.devices === undefined || x.k !== 'member') return undefined;
  const tag = tagOf(frame, x.x);
  return tag === undefined ? undefined : frame.machine.devices.at(`${tag}.${x.field}`);
}

export function whereaboutsOf(value: Value): Whereabouts | undefined {
  return value.k === 'symbol' || value.k === 'object' ? value.where : undefined;
}

export function placedAt(value: Value, where: Whereabouts | undefined): Value {
  return where !== undefined && (value.k === 'symbol' || value.k === 'object') ? { ...value, where } : value;
}

/** The pointer through which a field is reached: `bus` of `bus->range[i].dev`. */
function pointerBehind(x: Expr): Expr | undefined {
  if (x.k === 'member') return x.arrow ? x.x : pointerBehind(x.x);
  return x.k === 'index' ? pointerBehind(x.x) : undefined;
}
