/* SPDX-License-Identifier: MIT */
#ifndef _UAPI_ASM_X86_KVM_H
#define _UAPI_ASM_X86_KVM_H

#define KVM_X86_DEFAULT_VM 0
#define KVM_X86_SW_PROTECTED_VM 1
#define KVM_X86_SEV_VM 2
#define KVM_X86_SEV_ES_VM 3
#define KVM_X86_SNP_VM 4
#define KVM_X86_TDX_VM 5

#define KVM_X86_QUIRK_CD_NW_CLEARED (1 << 1)
#define KVM_X86_QUIRK_IGNORE_GUEST_PAT (1 << 9)

#endif
