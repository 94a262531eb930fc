import type { FunctionNode, Program, Site } from '../program/program';
import { columnOf, lineOf } from '../syntax/facts';
import { walkExprs } from '../syntax/walk';

/** The kernel's wrappers of SEAMCALLs (arch/x86/virt/vmx/tdx/tdx.c), by the call's name in the TDX module's tables. */
const WRAPPERS: ReadonlyMap<string, string> = new Map([
  ['TDH.MEM.RANGE.BLOCK', 'tdh_mem_range_block'],
  ['TDH.MEM.TRACK', 'tdh_mem_track'],
  ['TDH.MEM.PAGE.REMOVE', 'tdh_mem_page_remove'],
  ['TDH.PHYMEM.PAGE.WBINVD', 'tdh_phymem_page_wbinvd_hkid'],
]);

interface Places {
  readonly removal: Site | undefined;
  /** By the wrapper's name, where the vendor's file names it first. */
  readonly wrappers: ReadonlyMap<string, Site>;
}

/** Of a program, found once: a program never changes. */
const PLACES = new WeakMap<Program, Places>();

/** Where this tree takes a leaf out of the S-EPT: the vendor's function for it, if it has one. */
export function removalSite(program: Program): Site | undefined {
  return placesOf(program).removal;
}

/** Where this tree makes a SEAMCALL in the vendor's code for the S-EPT, if it does. */
export function seamCallSite(program: Program, call: string): Site | undefined {
  return placesOf(program).wrappers.get(WRAPPERS.get(call) ?? '');
}

function placesOf(program: Program): Places {
  const known = PLACES.get(program);
  if (known !== undefined) return known;
  const node = removalFunction(program);
  const places: Places = {
    removal: node === undefined || !('at' in node.fact) ? undefined : siteIn(node, node.fact.at),
    wrappers: node === undefined ? new Map() : wrappersIn(program, node.file),
  };
  PLACES.set(program, places);
  return places;
}

function removalFunction({ functions, symbols }: Program): FunctionNode | undefined {
  for (const slot of ['remove_external_spte', 'set_external_spte']) {
    const [target] = symbols.slot(`kvm_x86_ops.${slot}`);
    const node = target === undefined ? undefined : functions.get(target.functionId);
    if (node !== undefined) return node;
  }
  return undefined;
}

function wrappersIn({ functions }: Program, file: string): ReadonlyMap<string, Site> {
  const wanted = new Set(WRAPPERS.values());
  const found = new Map<string, Site>();
  for (const node of functions.values()) {
    if (node.file !== file || !node.active || !('body' in node.fact)) continue;
    walkExprs(node.fact.body, (x) => {
      if (x.k === 'id' && wanted.has(x.name) && !found.has(x.name)) found.set(x.name, siteIn(node, x.at));
    });
  }
  return found;
}

function siteIn(node: FunctionNode, at: number): Site {
  return { file: node.file, line: lineOf(at), column: columnOf(at), function: node.name };
}
