/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef int s32;
typedef unsigned long long u64;
typedef long long s64;
typedef _Bool bool;
typedef unsigned long size_t;
typedef u64 gfn_t;
typedef u64 gpa_t;

#define NULL ((void *)0)
#define true 1
#define false 0

#define BIT(nr) (1UL << (nr))
#define BIT_ULL(nr) (1ULL << (nr))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __user
#define __init __attribute__((__cold__))
#define __exit
#define __initdata
#define __ro_after_init
#define __read_mostly
#define unlikely(x) __builtin_expect(!!(x), 0)

#define offsetof(type, member) __builtin_offsetof(type, member)
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))

#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, val) (*(volatile typeof(x) *)&(x) = (val))

typedef struct {
	int counter;
} atomic_t;

static inline int atomic_inc_return(atomic_t *v)
{
	return ++v->counter;
}

static inline int atomic_dec_return(atomic_t *v)
{
	return --v->counter;
}

#define EPERM 1
#define EIO 5
#define ENXIO 6
#define ENOMEM 12
#define EFAULT 14
#define EINVAL 22
#define ENOTTY 25

void *kvzalloc(size_t size, unsigned int flags);
void *kzalloc(size_t size, unsigned int flags);
void kfree(const void *ptr);
#define GFP_KERNEL 0x10u
#define GFP_KERNEL_ACCOUNT 0x20u

unsigned long copy_from_user(void *to, const void __user *from, unsigned long n);

void __warn(const char *file, int line);
#define WARN_ON_ONCE(condition) ({			\
	int __ret_warn_on = !!(condition);		\
	if (unlikely(__ret_warn_on))			\
		__warn(__FILE__, __LINE__);		\
	__ret_warn_on;					\
})

#define EXPORT_SYMBOL_FOR_KVM_INTERNAL(sym) extern typeof(sym) sym
#define module_init(fn) int init_module(void) __attribute__((alias(#fn)))
#define module_param(name, type, perm) extern type name

#endif
