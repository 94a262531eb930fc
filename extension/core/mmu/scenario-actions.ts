import { clearInhibit, registerDevice, setInhibit, unregisterDevice } from './action-device';
import { ioctl } from './action-ioctl';
import { convertAttribute, deleteMemslot, unmap } from './action-memory';
import { acceptPage, exitAll, runVcpu, touch } from './action-vcpu';
import { zap } from './action-zap';
import type { Played, Stage, Step } from './play';
import type { Branch } from './branch';
import type { Json } from './scenario-json';
import type { Schema } from './scenario-schema';
import {
  described,
  END,
  FLAG,
  GFN,
  integer,
  objectSchema,
  optional,
  PAGES,
  type ReadAs,
  readMembers,
  type Spec,
  text,
} from './scenario-values';

export const MOST_VCPUS = 16;

export const VCPU = optional(described(integer(0, MOST_VCPUS - 1), 'a vCPU of the scenario (default: 0)'));

const OF_VCPU = optional(described(integer(0, MOST_VCPUS - 1), 'a vCPU of the scenario; absent: the VM’s file'));

const REASON = described(
  text(64),
  'an enumerator of enum kvm_apicv_inhibit in the tree, such as APICV_INHIBIT_REASON_IRQWIN, or without its prefix: IRQWIN',
);

/** What an action of a scenario is: what it takes, and the rule by which it changes the state. */
interface ActionKind {
  /** In the schema. */
  readonly does: string;
  readonly takes: Spec;
  /** The action with its arguments. */
  readonly plan: (action: Json) => Step;
}

type Rule<Members extends Spec> = (stage: Stage, branch: Branch, takes: ReadAs<Members>) => readonly Played[];

function kind<Members extends Spec>(does: string, takes: Members, rule: Rule<Members>): ActionKind {
  const plan = (action: Json): Step => {
    const given = readMembers(takes, action);
    return (stage, branch) => rule(stage, branch, given);
  };
  return { does, takes, plan };
}

/** The actions of scenario files by name. */
export const ACTIONS: Readonly<Record<string, ActionKind>> = {
  fault: kind(
    'A vCPU touches a gfn, by its private or shared address (default: as the attribute says)',
    { gfn: GFN, private: optional(FLAG), vcpu: VCPU },
    touch,
  ),
  accept: kind('A TD’s vCPU accepts a page (TDG.MEM.PAGE.ACCEPT)', { gfn: GFN, vcpu: VCPU }, acceptPage),
  'run-vcpu': kind('KVM_RUN', { vcpu: VCPU }, runVcpu),
  'exit-vcpus': kind('All vCPUs leave the guest', {}, exitAll),
  convert: kind('KVM_SET_MEMORY_ATTRIBUTES on one gfn', { gfn: GFN, private: FLAG }, convertAttribute),
  unmap: kind('An MMU notifier unmaps gfns, from the first on', { gfn: GFN, pages: optional(PAGES) }, unmap),
  'delete-memslot': kind('KVM_SET_USER_MEMORY_REGION deletes the memslot of a gfn', { gfn: GFN }, deleteMemslot),
  zap: kind(
    'The sink runs, for the range of the scenario unless given here',
    { start: optional(GFN), end: optional(END) },
    zap,
  ),
  'register-device': kind('A VFIO device with non-coherent DMA is added (KVM_DEV_VFIO_FILE_ADD)', {}, registerDevice),
  'unregister-device': kind(
    'A VFIO device with non-coherent DMA is removed (KVM_DEV_VFIO_FILE_DEL)',
    {},
    unregisterDevice,
  ),
  'set-inhibit': kind('APICv is inhibited for a reason', { reason: REASON }, setInhibit),
  'clear-inhibit': kind('The reason is gone', { reason: REASON }, clearInhibit),
  ioctl: kind(
    'Userspace makes an ioctl, of a vCPU where one is given; KVM_TDX_INIT_MEM_REGION takes a gfn. Of those that the model does not know the outcome says so',
    { name: text(64), gfn: optional(GFN), vcpu: OF_VCPU },
    ioctl,
  ),
};

/** An action as the schema has it. */
export function actionSchemas(): readonly Schema[] {
  return Object.entries(ACTIONS).map(([name, { does, takes }]) => {
    const { properties, required = [], ...rest } = objectSchema(takes);
    return {
      description: does,
      ...rest,
      properties: { action: { const: name }, ...properties },
      required: ['action', ...required],
    };
  });
}
