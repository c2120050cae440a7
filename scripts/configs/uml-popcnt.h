/* SPDX-License-Identifier: GPL-2.0 */
/*
 * In the place of <asm-generic/bitops/arch_hweight.h> in all that is built for the
 * uml rig on a CPU that counts bits, since it is included first.
 *
 * A kernel for x86 puts that instruction in the place of the call when it boots;
 * user-mode Linux goes on calling, which is a third of the time of a lookup.
 */
#if !defined(__ASSEMBLY__) && !defined(_ASM_GENERIC_BITOPS_ARCH_HWEIGHT_H_)
#define _ASM_GENERIC_BITOPS_ARCH_HWEIGHT_H_

static inline unsigned int __arch_hweight32(unsigned int w)
{
	return __builtin_popcount(w);
}

static inline unsigned int __arch_hweight16(unsigned int w)
{
	return __builtin_popcount(w & 0xffff);
}

static inline unsigned int __arch_hweight8(unsigned int w)
{
	return __builtin_popcount(w & 0xff);
}

static inline unsigned long __arch_hweight64(unsigned long long w)
{
	return __builtin_popcountll(w);
}
#endif
