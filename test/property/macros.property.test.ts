import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sinkOutcome } from '../../extension/core/mmu/sink';
import { analyseReach } from '../../extension/core/reach/reach';
import { DEFAULT_SINK, VERDICTS, type Question } from '../../extension/core/reach/verdict';
import { link } from '../unit/linking';

/** Names of macros, of which some take an argument; whether a name is defined at all is left to chance. */
const NAMES = ['A', 'B', 'C', 'f', 'g', 'h', 'vm', 'x'];

const term = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.constantFrom('1', 'x', 'vm->mode', '&vm->mode', 'vm'),
  fc.tuple(fc.constantFrom('f', 'g', 'h'), fc.constantFrom(...NAMES)).map(([name, arg]) => `${name}(${arg})`),
);
const body = fc.oneof(
  term,
  fc.tuple(term, fc.constantFrom('+', '&&', '==', '=', ',', '##'), term).map(([l, op, r]) => `(${l} ${op} ${r})`),
  term.map((inner) => `({ typeof(${inner}) y = ${inner}; y; })`),
  term.map((inner) => `do { if (${inner}) kvm_zap_gfn_range(vm, 0, 1); } while (0)`),
);
const macro = fc
  .tuple(fc.constantFrom(...NAMES), body)
  .map(([name, text]) => (/[fgh]/.test(name) ? `#define ${name}(x) ${text}` : `#define ${name} ${text}`));
const use = fc.oneof(
  term.map((inner) => `${inner};`),
  fc.tuple(term, body).map(([cond, inner]) => `if (${cond}) { ${inner}; }`),
  fc.tuple(term, term).map(([l, r]) => `${l} = ${r};`),
);

describe('macros that lead to one another', () => {
  it('end in verdicts and an outcome, whatever they say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(macro, { maxLength: 6 }), fc.array(use, { maxLength: 4 }), async (macros, uses) => {
        const program = await link({
          'arch/x86/kvm/x86.c': `struct kvm { int mode; };
${macros.join('\n')}
void kvm_zap_gfn_range(struct kvm *vm, unsigned long start, unsigned long end) { ${uses.join(' ')} }
static void probe(struct kvm *vm, int x) { ${uses.join(' ')} kvm_zap_gfn_range(vm, 0, x); }
static long kvm_vm_ioctl(struct file *filp, unsigned int ioctl, unsigned long arg) { probe(filp->private_data, arg); return 0; }
static struct file_operations kvm_vm_fops = { .unlocked_ioctl = kvm_vm_ioctl };
`,
        });
        const question: Question = { vm: 'tdx', sinks: [DEFAULT_SINK], host: {}, assumptions: true };
        const reach = analyseReach(program, question);
        for (const caller of reach.callers()) expect(VERDICTS).toContain(caller.verdict);
        const sink = [...program.functions.values()].find((node) => node.name === DEFAULT_SINK);
        if (sink !== undefined)
          expect(sinkOutcome(program, sink.id, question, (fn, x) => reach.decide(fn, x)).trace.length).toBeGreaterThan(
            0,
          );
      }),
      { numRuns: 150 },
    );
  });
});
