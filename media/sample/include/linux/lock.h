/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_LOCK_H
#define _LINUX_LOCK_H

struct srcu_struct {
	int idx;
};

typedef struct {
	int held;
} rwlock_t;

struct mutex {
	int held;
};

void write_lock(rwlock_t *lock);
void write_unlock(rwlock_t *lock);
void mutex_lock(struct mutex *lock);
void mutex_unlock(struct mutex *lock);
int srcu_read_lock(struct srcu_struct *ssp);
void srcu_read_unlock(struct srcu_struct *ssp, int idx);

typedef struct {
	struct srcu_struct *lock;
	int idx;
} class_srcu_t;

static inline class_srcu_t class_srcu_constructor(struct srcu_struct *lock)
{
	class_srcu_t guard = { .lock = lock, .idx = srcu_read_lock(lock) };

	return guard;
}

static inline void class_srcu_destructor(class_srcu_t *guard)
{
	srcu_read_unlock(guard->lock, guard->idx);
}

#define guard(name) \
	class_##name##_t scope_guard __attribute__((cleanup(class_##name##_destructor))) = class_##name##_constructor

#endif
