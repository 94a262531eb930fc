import type { FileFacts, FileScopeCall, InitItem, VariableFact } from '../syntax/facts';
import type { CallGraph } from './calls';
import type { Escape } from './dispatches';
import { exprText } from '../syntax/expr-text';
import type { Cell, Value } from './flow';
import { pickedExits, storedExits } from './exit-switches';
import { definitionOf } from './functions';
import { compareSites, compareText, isKvmFile, siteAt, vendorOfFile } from './ids';
import type { EntryKind, EntryPoint, FunctionNode, Site } from './program';
import { functionsMeant, type World } from './world';

/**
 * Ways in from outside KVM: functions that the kernel, a device file or a CPU event calls. They are recognised by
 * where their address is put: the type of the table, or what it is registered with.
 */
export function findEntries(world: World, files: ReadonlyMap<string, FileFacts>, graph: CallGraph): EntryPoint[] {
  const finder = new EntryFinder(world, graph);
  finder.tables(files);
  finder.fileScope(files);
  for (const escape of graph.escapes) finder.escape(escape);
  finder.exports(files);
  for (const { reason, handler, site } of [...storedExits(world), ...pickedExits(world, graph)])
    finder.add('exit', reason, handler, site, true);
  return finder.sorted();
}

interface TableRule {
  readonly kind: EntryKind;
  /** Kind of single fields that differ from the table's. */
  readonly fields?: Readonly<Record<string, EntryKind>>;
}

/** Struct types of the kernel through which KVM is called. Those with `named` carry the object's name in a field. */
const TABLES: Readonly<Record<string, TableRule>> = {
  file_operations: {
    kind: 'other',
    fields: { unlocked_ioctl: 'ioctl', compat_ioctl: 'ioctl', release: 'release', flush: 'release' },
  },
  kvm_device_ops: { kind: 'device', fields: { release: 'release' } },
  kvm_io_device_ops: { kind: 'device' },
  mmu_notifier_ops: { kind: 'notifier' },
  notifier_block: { kind: 'notifier' },
  kvm_irq_ack_notifier: { kind: 'notifier' },
  kvm_irq_mask_notifier: { kind: 'notifier' },
  preempt_ops: { kind: 'notifier' },
  preempt_notifier: { kind: 'notifier' },
  user_return_notifier: { kind: 'notifier' },
  syscore_ops: { kind: 'notifier' },
  dev_pm_ops: { kind: 'notifier' },
  perf_guest_info_callbacks: { kind: 'notifier' },
  irq_bypass_consumer: { kind: 'notifier' },
  shrinker: { kind: 'work' },
  work_struct: { kind: 'work' },
  kthread_work: { kind: 'work' },
  hrtimer: { kind: 'work' },
  timer_list: { kind: 'work' },
  kernel_param_ops: { kind: 'module' },
  vm_operations_struct: { kind: 'other' },
  address_space_operations: { kind: 'other' },
  super_operations: { kind: 'other' },
  seq_operations: { kind: 'other' },
};

/** What a macro at file scope registers the functions among its arguments as. */
function kindAtFileScope(name: string): EntryKind | undefined {
  if (/^(?:module_init|module_exit|module_param_call|early_param|__setup)$|_initcall(?:_sync)?$/.test(name))
    return 'module';
  if (/^(?:DECLARE|DEFINE)_(?:\w+_)?(?:WORK|TIMER|TASKLET)$/.test(name)) return 'work';
  return /^DEFINE_(?:\w+_)?ATTRIBUTE(?:_SIGNED)?$/.test(name) ? 'other' : undefined;
}

/** The names that may be functions in such a call; `DEFINE_SHOW_ATTRIBUTE(x)` means `x_show()`. */
function namesAtFileScope({ name, args }: FileScopeCall): string[] {
  const [first = ''] = args;
  if (name === 'DEFINE_SHOW_ATTRIBUTE') return [`${first}_show`];
  if (name === 'DEFINE_SHOW_STORE_ATTRIBUTE') return [`${first}_show`, `${first}_write`];
  return args.flatMap((arg) => /^&?(\w+)$/.exec(arg)?.[1] ?? []);
}

/** Whether others than KVM's modules may call what is exported so. */
function isExportedToOthers({ name, args }: FileScopeCall): boolean {
  if (name === 'EXPORT_SYMBOL_FOR_MODULES') return /[",]\s*(?!kvm)\w/.test(args.slice(1).join());
  return /^EXPORT_SYMBOL(?:_NS)?(?:_GPL)?$/.test(name);
}

class EntryFinder {
  private readonly found = new Map<string, EntryPoint>();
  /** Names of the fields that KVM calls in a struct of any type. */
  private readonly calledFields: ReadonlySet<string>;

  constructor(
    private readonly world: World,
    private readonly graph: CallGraph,
  ) {
    this.calledFields = new Set([...graph.dispatched].map((cell) => tagAndField(cell)[1]));
  }

  tables(files: ReadonlyMap<string, FileFacts>): void {
    for (const cell of this.graph.flow.cells()) {
      if (cell[0] === 'v') this.exits(cell);
      const [tag, field] = cell[0] === '*' ? ['*', cell.slice(2)] : tagAndField(cell);
      if (tag === '') continue;
      const rule = Object.hasOwn(TABLES, tag)
        ? TABLES[tag]
        : this.isForeign(cell, tag)
          ? { kind: 'other' as const }
          : undefined;
      if (rule === undefined) continue;
      for (const value of this.graph.flow.at(cell))
        this.addValue(value, rule.fields?.[field] ?? rule.kind, tag, field, cell, files);
    }
  }

  /** A field of a struct type that KVM's own files do not define, or of a type that is not known, which KVM never calls. */
  private isForeign(cell: Cell, tag: string): boolean {
    if (this.graph.dispatched.has(cell)) return false;
    if (tag === '*') return !this.calledFields.has(cell.slice(2));
    const structs = this.world.definitions.structs.get(tag);
    return (
      structs === undefined ||
      !structs.some(({ file }) => isKvmFile(file) || /\/kvm[^/]*\.h$|^include\/kvm\//.test(file))
    );
  }

  private addValue(
    value: Value,
    kind: EntryKind,
    tag: string,
    field: string,
    cell: Cell,
    files: ReadonlyMap<string, FileFacts>,
  ): void {
    const node = this.world.functions.nodes.get(value.fn);
    if (node === undefined) return;
    const table = this.tableAt(value.site, files);
    const owner = table?.fact.name ?? tag;
    const named = tag === 'kvm_device_ops' ? nameField(table?.fact) : undefined;
    const name = named === undefined ? `${owner}.${field}` : `${named}/${field}`;
    const selector = kind === 'ioctl' ? definitionOf(node)?.params[1]?.name : undefined;
    this.add(kind, name, node, value.site, this.isDispatched(cell, tag, node), selector);
  }

  /** Whether KVM itself calls what a field holds: through the field, or, of a table of its own, once it has handed it on. */
  private isDispatched(cell: Cell, tag: string, node: FunctionNode): boolean {
    if (this.graph.dispatched.has(cell)) return true;
    return (
      tag.startsWith('kvm_') && this.graph.edges.some((edge) => edge.calleeId === node.id && edge.via === 'argument')
    );
  }

  /** Handlers of VM exits: elements of an array whose index is an exit reason. */
  private exits(cell: Cell): void {
    for (const value of this.graph.flow.at(cell)) {
      const reason = /\[((?:EXIT_REASON|SVM_EXIT)_\w+(?: \+ \w+)?)(?:[^\]\w].*)?\]$/.exec(value.slot ?? '')?.[1];
      const node = this.world.functions.nodes.get(value.fn);
      if (reason !== undefined && node !== undefined)
        this.add('exit', reason, node, value.site, this.graph.dispatched.has(cell));
    }
  }

  /** The variable whose initialiser holds the site. */
  private tableAt(site: Site, files: ReadonlyMap<string, FileFacts>): { readonly fact: VariableFact } | undefined {
    let best: VariableFact | undefined;
    for (const fact of files.get(site.file)?.variables ?? []) {
      const line = Math.floor(fact.at / 65536);
      if (fact.init !== undefined && line <= site.line && (best === undefined || fact.at > best.at)) best = fact;
    }
    return best === undefined || site.function !== '' ? undefined : { fact: best };
  }

  fileScope(files: ReadonlyMap<string, FileFacts>): void {
    for (const facts of files.values())
      for (const call of facts.fileScopeCalls) {
        const kind = kindAtFileScope(call.name);
        if (kind === undefined || !isKvmFile(facts.path)) continue;
        for (const name of namesAtFileScope(call))
          for (const node of functionsMeant(this.world, name, facts.path)) {
            const isNamed = call.args.length > 1 || name !== call.args[0];
            const label = isNamed ? `${call.args[0]?.replaceAll('"', '') ?? ''}.${name}` : call.name;
            this.add(kind, label, node, siteAt(facts.path, call.at, ''), false);
          }
      }
  }

  escape({ to, node, site }: Escape): void {
    // To take a callback back is no way in.
    if (!isKvmFile(site.file) || /(?:^|_)unregister/.test(to)) return;
    this.add(kindOfRegistration(to), `${to}(${node.name})`, node, site, false);
  }

  /**
   * Exported functions that others than KVM's own modules use. Where the tree tells the two apart
   * (`EXPORT_SYMBOL_FOR_KVM_INTERNAL`), those are the plainly exported ones. In older trees all are plain, nearly all for
   * KVM's vendor modules: there only those count that nothing in KVM names, as an outside user is the one reason left.
   * A function that both use is then reached by KVM's own ways in alone.
   */
  exports(files: ReadonlyMap<string, FileFacts>): void {
    const calls = [...files.values()].flatMap((facts) =>
      facts.fileScopeCalls
        .filter((call) => call.name.startsWith('EXPORT_SYMBOL') && isKvmFile(facts.path))
        .map((call) => ({ call, file: facts.path })),
    );
    const tellsApart = calls.some(({ call }) => call.name.includes('INTERNAL'));
    const usedInside = tellsApart ? new Set<string>() : this.namedInside();
    for (const { call, file } of calls) {
      const name = call.args[0] ?? '';
      if (!isExportedToOthers(call) || usedInside.has(name)) continue;
      for (const node of functionsMeant(this.world, name, file))
        if (node.active) this.add('export', name, node, siteAt(file, call.at, ''), false);
    }
  }

  private namedInside(): Set<string> {
    const names = new Set(this.graph.edges.map((edge) => edge.callee));
    for (const cell of this.graph.flow.cells())
      for (const value of this.graph.flow.at(cell)) names.add(this.world.functions.nodes.get(value.fn)?.name ?? '');
    return names;
  }

  add(kind: EntryKind, name: string, node: FunctionNode, site: Site, inside: boolean, selector?: string): void {
    const key = `${kind}|${name}|${node.id}`;
    if (this.found.has(key)) return;
    const vendor = vendorOfFile(node.file) ?? vendorOfFile(site.file);
    this.found.set(key, {
      kind,
      name,
      functionId: node.id,
      function: node.name,
      ...(selector === undefined || selector === '' ? {} : { selector }),
      site,
      inside,
      ...(vendor === undefined ? {} : { vendor }),
    });
  }

  sorted(): EntryPoint[] {
    return [...this.found.values()].sort(
      (a, b) =>
        compareText(a.kind, b.kind) ||
        compareText(a.name, b.name) ||
        compareText(a.functionId, b.functionId) ||
        compareSites(a.site, b.site),
    );
  }
}

/** Of a cell that is a field; two empty texts for any other. */
function tagAndField(cell: Cell): [tag: string, field: string] {
  const dot = cell.lastIndexOf('.');
  return cell[0] === 'f' ? [cell.slice(2, dot), cell.slice(dot + 1)] : ['', ''];
}

function kindOfRegistration(to: string): EntryKind {
  if (/work|timer|^call_s?rcu|kthread|vhost_task|irq_poll|tasklet/i.test(to)) return 'work';
  if (/notif|cpuhp|register|_cb$|callback|wait|poll/i.test(to)) return 'notifier';
  return 'other';
}

function nameField(table: VariableFact | undefined): string | undefined {
  if (table?.init?.k !== 'init') return undefined;
  const item: InitItem | undefined = table.init.items.find((one) => one.fields?.[0] === 'name');
  return item?.value.k === 'str' ? exprText(item.value).replaceAll('"', '') : undefined;
}
