/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_MSR_INDEX_H
#define _ASM_X86_MSR_INDEX_H

#define MSR_IA32_APICBASE 0x0000001b
#define MSR_MTRRcap 0x000000fe
#define MTRRphysBase_MSR(reg) (0x200 + 2 * (reg))
#define MSR_MTRRfix4K_F8000 0x0000026f
#define MSR_MTRRdefType 0x000002ff
#define HV_X64_MSR_EOI 0x40000070

#endif
