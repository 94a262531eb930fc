/* SPDX-License-Identifier: MIT */
#if !defined(KVM_X86_OP) || !defined(KVM_X86_OP_OPTIONAL)
#error Missing a KVM_X86_OP #define
#else
KVM_X86_OP(vm_init)
KVM_X86_OP(vcpu_create)
KVM_X86_OP(set_msr)
KVM_X86_OP(set_cr0)
KVM_X86_OP(vcpu_run)
KVM_X86_OP(handle_exit)
KVM_X86_OP_OPTIONAL(refresh_apicv_exec_ctrl)
#endif

#undef KVM_X86_OP
#undef KVM_X86_OP_OPTIONAL
