/* SPDX-License-Identifier: MIT */
#ifndef __SVM_SVM_H
#define __SVM_SVM_H

#include <linux/kvm_host.h>

#define SVM_EXIT_WRITE_CR0 0x010
#define SVM_EXIT_NPF 0x400

void sev_handle_rmp_fault(struct kvm_vcpu *vcpu, gpa_t gpa);

#endif
