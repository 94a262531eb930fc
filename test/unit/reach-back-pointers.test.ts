import { describe, expect, it } from 'vitest';
import { verdictOf } from './reach-probe';

/** A part of a VM that points back to it, as `struct kvm_lapic` does to its vCPU. */
const TYPES = `
struct part { struct owner *owner; u64 base; };
struct inner { struct part *part; u64 base; };
struct owner { struct inner inner; struct kvm *kvm; };
struct owner *owner_of(struct kvm *kvm);
`;

interface Parts {
  readonly types?: string;
  /** In place of the function that makes the part. */
  readonly create?: string;
  readonly more?: string;
  /** In place of what is looked at. */
  readonly looks?: string;
}

const CREATE = `
int create_part(struct owner *owner)
{
	struct part *part;

	part = kzalloc(sizeof(*part), 0);
	if (!part)
		return -12;
	owner->inner.part = part;
	if (any())
		goto free;
	part->owner = owner;
	return 0;
free:
	owner->inner.part = NULL;
	return -12;
}
`;

/** Stores a number, and reads it back through the part. */
const readBack = async (parts: Parts): Promise<string> =>
  verdictOf(`${parts.types ?? TYPES}
${parts.create ?? CREATE}
${parts.more ?? ''}
static void probe(struct kvm *kvm, unsigned long arg)
{
	struct owner *owner = owner_of(kvm);
	struct part *part = owner->inner.part;

	owner->inner.base = 7;
	if (${parts.looks ?? 'part->owner->inner.base != 7'})
		SINK(kvm);
}`);

describe('a pointer that leads back', () => {
  it('is read as a pointer to the object that its own object is a part of', async () => {
    expect(await readBack({})).toBe('blocked');
  });

  it('is known whatever happens to the variables behind the stores', async () => {
    const create = CREATE.replace('free:', 'free:\n\tdrop_part(part);\n\tdrop_owner(owner);');
    expect(await readBack({ create })).toBe('blocked');
    // Not if control comes back.
    const again = CREATE.replace('part = kzalloc', 'again:\n\tpart = kzalloc').replace(
      'free:',
      'free:\n\tother_owner(owner);\n\tif (any())\n\t\tgoto again;',
    );
    expect(await readBack({ create: again })).toBe('reachable');
  });

  it('is followed further: what lies behind it is the same', async () => {
    expect(await readBack({ looks: 'part->owner->inner.part->owner->inner.base != 7' })).toBe('blocked');
  });

  it('proves nothing of NULL', async () => {
    expect(await readBack({ looks: '!part->owner' })).toBe('reachable');
    expect(await readBack({ looks: 'owner && !part->owner' })).toBe('reachable');
    expect(await readBack({ looks: '!owner->inner.part' })).toBe('reachable');
  });

  it('is still changed by what is stored through it', async () => {
    expect(await readBack({ looks: '(part->owner->inner.base = 8) && owner->inner.base != 7' })).toBe('reachable');
    expect(await readBack({ looks: '(part->owner->inner.base = 8) && owner->inner.base != 8' })).toBe('blocked');
  });

  it('says nothing of another part', async () => {
    expect(await readBack({ looks: 'owner_of(kvm)->inner.part->owner->inner.base != 7' })).toBe('reachable');
  });
});

describe('a pointer that may lead elsewhere', () => {
  const cases: Readonly<Record<string, Parts>> = {
    'someone else stores to it': { more: 'void give(struct part *p, struct owner *o) { p->owner = o; }' },
    'someone else gives the part away': {
      more: 'void give(struct owner *to, struct owner *from) { to->inner.part = from->inner.part; }',
    },
    'its address is taken': { more: 'void give(struct part *p) { any_owner(&p->owner); }' },
    'the part is copied': { more: 'void copy(struct part *to, struct part *from) { *to = *from; }' },
    'the owner is copied': {
      more: 'void copy(struct owner *to, struct owner *from) { memcpy(to, from, sizeof(*to)); }',
    },
    'the part is not made by the function': {
      create:
        'int create_part(struct owner *owner, struct part *part) { owner->inner.part = part; part->owner = owner; return 0; }',
    },
    'the part may be one that was there': {
      create: CREATE.replace('if (!part)', 'if (any())\n\t\tpart = owner->inner.part;\n\tif (!part)'),
    },
    'the part is not zero before': { create: CREATE.replace('kzalloc', 'kmalloc') },
    'the owner is replaced': {
      create: CREATE.replace('part->owner = owner;', 'owner = owner_of(owner->kvm);\n\tpart->owner = owner;'),
    },
    'the owner is another one': {
      create: CREATE.replace('part->owner = owner;', 'part->owner = owner_of(owner->kvm);'),
    },
    'the part has two owners': {
      create: CREATE.replace('return 0;', 'owner_of(owner->kvm)->inner.part = part;\n\treturn 0;'),
    },
    'a loop moves the part': {
      create: CREATE.replace(
        'part->owner = owner;',
        'list_for_each_entry(part, &owner->kvm->devices, list)\n\t\tpart->owner = owner;',
      ),
    },
    'the assembler writes the part': {
      create: CREATE.replace('part->owner = owner;', 'asm("" : "=r" (part) : "r" (owner));\n\tpart->owner = owner;'),
    },
    'a macro assigns the part': {
      create: `#define any_part(p, o) ((p) = (o)->inner.part)\n${CREATE.replace('part->owner = owner;', 'any_part(part, owner_of(owner->kvm));\n\tpart->owner = owner;')}`,
    },
    'a macro that is not known may assign the part': {
      create: CREATE.replace('part->owner = owner;', 'find_part(part, owner);\n\tpart->owner = owner;'),
    },
    'the part is moved on': { create: CREATE.replace('part->owner = owner;', 'part++;\n\tpart->owner = owner;') },
    'the owner is moved on': { create: CREATE.replace('part->owner = owner;', 'owner++;\n\tpart->owner = owner;') },
    'another struct holds one, too': { types: `${TYPES}struct holder { struct inner inner; };` },
  };
  it.each(Object.entries(cases))('%s', async (_name, parts) => {
    expect(await readBack(parts)).toBe('reachable');
  });
});
