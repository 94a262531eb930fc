import { expect, it } from 'vitest';
import { kvmFiles } from '../../extension/core/source/kvm-files';
import type { SourceTree } from '../../extension/core/source/tree';

function treeOf(paths: readonly string[]): SourceTree {
  return {
    label: 'test',
    list: (folder) => Promise.resolve(paths.filter((path) => path.startsWith(`${folder}/`)).sort()),
    read: () => Promise.resolve({ kind: 'absent' }),
  };
}

it('the files of the analysis are the C files of KVM and its headers, sorted', async () => {
  const own = [
    'arch/x86/include/asm/kvm-x86-ops.h',
    'arch/x86/include/asm/kvm_host.h',
    'arch/x86/include/asm/shared/tdx.h',
    'arch/x86/include/asm/tdx.h',
    'arch/x86/include/uapi/asm/kvm.h',
    'arch/x86/kvm/mmu/mmu.c',
    'arch/x86/kvm/vmx/tdx.c',
    'arch/x86/kvm/x86.h',
    'include/kvm/iodev.h',
    'include/linux/kvm_host.h',
    'include/uapi/linux/kvm.h',
    'virt/kvm/vfio.c',
  ];
  const others = [
    'arch/x86/include/asm/msr.h',
    'arch/x86/include/asm/trace/kvm_x.h',
    'arch/x86/include/uapi/asm/vmx.h',
    'arch/x86/kvm/Makefile',
    'arch/x86/kvm/vmx/vmenter.S',
    'include/kvm/arm_vgic.h',
    'include/linux/mm.h',
    'include/trace/events/kvm.h',
  ];
  expect(await kvmFiles(treeOf([...others, ...own].reverse()))).toEqual(own);
});

it('tracepoint headers are left out', async () => {
  const tree = treeOf(['arch/x86/kvm/mmu/mmutrace.h', 'arch/x86/kvm/trace.h', 'arch/x86/kvm/x86.c']);
  expect(await kvmFiles(tree)).toEqual(['arch/x86/kvm/x86.c']);
});

it('there are none without arch/x86/kvm', async () => {
  expect(await kvmFiles(treeOf(['virt/kvm/kvm_main.c', 'include/linux/kvm_host.h']))).toEqual([]);
});
