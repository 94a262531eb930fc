import type { Expr } from '../syntax/facts';
import * as bits from './known-bits';
import type { Frame } from './machine';

/**
 * What set-up asks of the host. The reference host has every CPU feature that vendor code tests, and every option of
 * KVM's Kconfig is on.
 */

type Call = Extract<Expr, { k: 'call' }>;

/** The kernel's own tests, which no file of KVM defines. */
const KERNELS = /^(?:(?:boot|static|this)_cpu_has|cpu_feature_enabled)$/;

/** `boot_cpu_has(X86_FEATURE_X)`, or a predicate of KVM's on one feature. A bug of the CPU is no feature. */
export function isFeatureTest(frame: Frame, x: Call): boolean {
  if (!testsFeatures(frame) || x.fn.k !== 'id') return false;
  const [feature, ...others] = x.args;
  if (others.length > 0 || feature?.k !== 'id' || !feature.name.startsWith('X86_FEATURE_')) return false;
  if (KERNELS.test(x.fn.name)) return true;
  const { symbols } = frame.machine.program;
  const nodes = symbols.functionsNamed(x.fn.name, frame.node.file);
  return nodes.length > 0 && nodes.every(({ fact }) => 'returns' in fact && /^(?:bool|_Bool)$/.test(fact.returns));
}

/**
 * `vmcs_config.cpu_based_exec_ctrl & CPU_BASED_X`: what the vendor module read from the CPU, against a mask. The value
 * of the test, if that is what it is: bits that are not known are set.
 */
export function featureMask(
  frame: Frame,
  x: Extract<Expr, { k: 'binary' }>,
  known: bits.Bits,
  mask: bits.Bits,
): bits.Bits | undefined {
  if (!testsFeatures(frame) || x.op !== '&' || x.l.k !== 'member') return undefined;
  let object: Expr = x.l;
  while (object.k === 'member' && !object.arrow) object = object.x;
  if (object.k !== 'id' || frame.setUp?.hasFeatures?.structs.has(object.name) !== true) return undefined;
  const wanted = bits.single(mask);
  if (wanted !== undefined) return bits.constant((known.value | known.mask) & wanted);
  // A mask with a name whose number no file tells: some bits, and nothing may be known of any.
  const isMask = x.r.k === 'id' && frame.machine.program.symbols.macro(x.r.name, frame.node.file) !== undefined;
  return isMask && (known.mask & WORD) === WORD ? bits.without(bits.TOP, 0n) : undefined;
}

const WORD = 0xffffffffn;

function testsFeatures({ setUp, node }: Frame): boolean {
  return setUp?.hasFeatures !== undefined && node.vendor !== undefined;
}

/** `IS_ENABLED(CONFIG_X)` in C. */
export function kconfig(frame: Frame, x: Call): boolean | undefined {
  const [option] = x.args;
  if (frame.setUp === undefined || x.fn.k !== 'id' || x.fn.name !== 'IS_ENABLED' || option?.k !== 'id')
    return undefined;
  return frame.machine.program.symbols.isActive([`IS_ENABLED(${option.name})`], frame.node.file);
}
