/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_STATIC_CALL_H
#define _LINUX_STATIC_CALL_H

#define DECLARE_STATIC_CALL(name, func) extern typeof(func) *__static_call_##name
#define static_call(name) (*__static_call_##name)

#endif
