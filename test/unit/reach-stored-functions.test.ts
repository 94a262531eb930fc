import { describe, expect, it } from 'vitest';
import { verdictOf } from './reach-probe';

interface Parts {
  /** What the ioctl does beside calling what the device holds. */
  readonly runs?: string;
  /** Functions beside it. */
  readonly more: string;
}

/** An ioctl calls what a device holds; what zaps may be stored there. */
const calling = async ({ more, runs }: Parts): Promise<string> =>
  verdictOf(`
struct job { void (*done)(struct kvm *kvm, struct job *job); u32 n; };
struct kvm_vcpu { u32 id; struct job job; };
struct job *find_job(struct kvm *kvm);
static void zaps(struct kvm *kvm, struct job *job) { SINK(kvm); }
static void rests(struct kvm *kvm, struct job *job) { }
static void goes_on(struct kvm *kvm, struct job *job);
${more}
static void goes_on(struct kvm *kvm, struct job *job) { job->done = zaps; }
static void probe(struct kvm *kvm, unsigned long arg)
{
	struct job *job = find_job(kvm);

	job->done = rests;
	${runs ?? ''}
	any();
	if (any())
		find_job(kvm)->done(kvm, job);
}`);

const OTHERS_ONLY = 'if (kvm->arch.vm_type != KVM_X86_TDX_VM)\n\t\tstart(kvm, job);';

describe('a function that is called through a field', () => {
  it('is called if the field may be shared with other VMs', async () => {
    const more = `struct shared { void (*done)(struct kvm *kvm); };
struct shared *find_shared(void);
static void zaps_too(struct kvm *kvm) { SINK(kvm); }
static void start(struct shared *shared) { shared->done = zaps_too; }`;
    const runs = 'find_shared()->done(kvm);\n\tif (kvm->arch.vm_type != KVM_X86_TDX_VM)\n\t\tstart(find_shared());';
    expect(await calling({ more, runs })).toBe('reachable');
  });

  it('is not called if nothing that runs stores it there', async () => {
    expect(await calling({ more: 'void start(struct kvm *kvm, struct job *job) { job->done = zaps; }' })).toBe(
      'blocked',
    );
  });

  it('is not called if only VMs of other types store it', async () => {
    const more = 'static void start(struct kvm *kvm, struct job *job) { job->done = zaps; }';
    expect(await calling({ more, runs: OTHERS_ONLY })).toBe('blocked');
    expect(await calling({ more, runs: OTHERS_ONLY.replace('!=', '==') })).toBe('reachable');
  });

  it('is called if another one stores it that is', async () => {
    const more = 'static void start(struct kvm *kvm, struct job *job) { job->done = goes_on; }';
    expect(await calling({ more, runs: 'start(kvm, job);' })).toBe('reachable');
    expect(await calling({ more, runs: OTHERS_ONLY })).toBe('blocked');
  });

  it('is not called for being stored by itself', async () => {
    const more =
      'static void again(struct kvm *kvm, struct job *job) { job->done = again; SINK(kvm); }\nvoid start(struct kvm *kvm, struct job *job) { job->done = again; }';
    expect(await calling({ more })).toBe('blocked');
    expect(await calling({ more, runs: 'start(kvm, job);' })).toBe('reachable');
  });

  it('is not called for two that store each other', async () => {
    const more = `static void two(struct kvm *kvm, struct job *job);
static void one(struct kvm *kvm, struct job *job) { job->done = two; }
static void two(struct kvm *kvm, struct job *job) { job->done = one; SINK(kvm); }
void start(struct kvm *kvm, struct job *job) { job->done = one; }`;
    expect(await calling({ more })).toBe('blocked');
    expect(await calling({ more, runs: 'start(kvm, job);' })).toBe('reachable');
  });
});

describe('many functions that store each other', () => {
  /** Each of them may come first: a search that tries the orders never ends. */
  const names = Array.from({ length: 40 }, (_, i) => `step_${i}`);
  const declared = names.map((name) => `static void ${name}(struct kvm *kvm, struct job *job);`);
  const bodies = names.map(
    (name, i) =>
      `static void ${name}(struct kvm *kvm, struct job *job)\n{\n${names.map((other) => `\tif (any()) job->done = ${other};`).join('\n')}\n${i === 39 ? '\tSINK(kvm);' : ''}\n}`,
  );
  const more = [
    ...declared,
    ...bodies,
    'static void start(struct kvm *kvm, struct job *job) { job->done = step_0; }',
  ].join('\n');

  it('are decided in time', async () => {
    expect(await calling({ more, runs: OTHERS_ONLY })).toBe('blocked');
    expect(await calling({ more, runs: 'start(kvm, job);' })).toBe('reachable');
  });
});

describe('a function that is handed on before it is stored', () => {
  const SETS = 'static void set(struct job *job, void (*fn)(struct kvm *kvm, struct job *job)) { job->done = fn; }';
  const through = (call: string): string => `${SETS}\nstatic void start(struct kvm *kvm, struct job *job) { ${call} }`;

  it.each([
    ['as a parameter', through('set(job, zaps);')],
    ['as one of two', through('set(job, any() ? zaps : rests);')],
    [
      'by a macro',
      `#define set_to(j, f) ({ set((j), f); 0; })\n${SETS}\nstatic void start(struct kvm *kvm, struct job *job) { set_to(job, zaps); }`,
    ],
  ])('%s', async (_name, more) => {
    expect(await calling({ more, runs: 'set(job, rests);\n\tstart(kvm, job);' })).toBe('reachable');
    expect(await calling({ more, runs: `set(job, rests);\n\t${OTHERS_ONLY}` })).toBe('blocked');
  });
});

describe('a field that may hold anything', () => {
  const START = 'void start(struct kvm *kvm, struct job *job) { job->done = zaps; }';
  it.each([
    [
      'a local variable is stored',
      'static void set(struct kvm *kvm, struct job *job) { void (*fn)(struct kvm *kvm, struct job *job) = zaps; job->done = fn; }',
    ],
    [
      'the job is copied',
      'static void set(struct kvm *kvm, struct job *job) { struct job *other = find_job(kvm); *job = *other; }',
    ],
    [
      'the job is filled',
      'static void set(struct kvm *kvm, struct job *job) { memcpy(job, any_bytes(), sizeof(*job)); }',
    ],
    ['its address is given away', 'static void set(struct kvm *kvm, struct job *job) { fill(&job->done); }'],
    [
      'it is an initialiser',
      'static struct job first = { .done = zaps };\nstatic void set(struct kvm *kvm, struct job *job) { publish(&first); }',
    ],
    [
      'a parameter of a call through a pointer',
      `static void put(struct job *job, void (*fn)(struct kvm *kvm, struct job *job)) { job->done = fn; }
static void (*putter)(struct job *job, void (*fn)(struct kvm *kvm, struct job *job)) = put;
static void set(struct kvm *kvm, struct job *job) { putter(job, zaps); }`,
    ],
  ])('%s', async (_name, more) => {
    expect(await calling({ more: `${START}\n${more}`, runs: 'set(kvm, job);' })).toBe('reachable');
  });
});
