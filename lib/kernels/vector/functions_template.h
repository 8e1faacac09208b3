/*
 * Part of a vector kernel set (see kernels_template.h): exp, tanh and erf of a vector. Minimax polynomials found with
 * Remez' algorithm in 160-bit arithmetic. Largest errors of the whole functions, counted over every float from 2^-14 up
 * against the C library in double: exp 1.02 ulp (0.75 of a subnormal's), tanh 1.34 ulp, erf 2.5 ulp. NaN stays NaN.
 */
#ifndef LL_KERNELS_VECTOR_FUNCTIONS_H
#define LL_KERNELS_VECTOR_FUNCTIONS_H

/* exp(x) = 2^n exp(r) with n = round(x / ln 2), |r| <= ln(2)/2, and exp(r) = 1 + r + r^2 P(r): relative error of the
 * polynomial 3.1e-9. */
static ALWAYS_INLINE vf v_exp(vf x) {
    const vf log2_e = v_set1(0x1.715476p+0f), ln2_high = v_set1(0x1.62e430p-1f), ln2_low = v_set1(-0x1.05c610p-29f);
    x = v_min(v_set1(89.0f), x);   /* infinity from here on */
    x = v_max(v_set1(-104.0f), x); /* and zero */
    const vf n = v_round(v_mul(x, log2_e));
    const vf r = v_nfma(n, ln2_low, v_nfma(n, ln2_high, x));
    vf p = v_set1(0x1.6a320ep-10f);
    p = v_fma(p, r, v_set1(0x1.123a3ap-7f));
    p = v_fma(p, r, v_set1(0x1.5558e4p-5f));
    p = v_fma(p, r, v_set1(0x1.555490p-3f));
    p = v_fma(p, r, v_set1(0x1.fffffcp-2f));
    p = v_add(v_fma(v_mul(r, r), p, r), v_set1(1.0f));
    return v_scale_by_power(p, n);
}

/* 2^x for x up to a little above 0, where only the absolute error counts: the numerators of a softmax. 2^n 2^f with n =
 * round(x) and 2^f = 1 + f P(f), relative error of the polynomial 9.2e-8. Below 2^-125 it is 0, -infinity too; NaN
 * stays NaN. */
static ALWAYS_INLINE vf v_exp2(vf x) {
    const vf n = v_round(x), f = v_sub(x, n);
    vf p = v_set1(0x1.5bba20p-10f);
    p = v_fma(p, f, v_set1(0x1.3cea88p-7f));
    p = v_fma(p, f, v_set1(0x1.c6b752p-5f));
    p = v_fma(p, f, v_set1(0x1.ebf9bcp-3f));
    p = v_fma(p, f, v_set1(0x1.62e42ap-1f));
    p = v_fma(p, f, v_set1(1.0f));
    return v_select_less(x, v_set1(-125.0f), v_zero(), v_scale_by_small_power(p, n));
}

/* tanh(x) = x + x^3 P(x^2) below 0.625 (relative error 4.4e-9), else sign(x) (1 - 2 / (exp(2|x|) + 1)): the error of
 * exp matters little, since the second term is small. */
static ALWAYS_INLINE vf v_tanh(vf x) {
    const vf a = v_abs(x), square = v_mul(x, x), one = v_set1(1.0f);
    vf p = v_set1(-0x1.75e1d6p-8f);
    p = v_fma(p, square, v_set1(0x1.52269ep-6f));
    p = v_fma(p, square, v_set1(-0x1.b83c5ap-5f));
    p = v_fma(p, square, v_set1(0x1.110726p-3f));
    p = v_fma(p, square, v_set1(-0x1.555532p-2f));
    const vf small = v_fma(v_mul(p, square), x, x);
    const vf e = v_exp(v_add(a, a));
    const vf large = v_sub(one, v_div(v_set1(2.0f), v_add(e, one)));
    return v_copy_sign(v_select_less(a, v_set1(0.625f), small, large), x); /* -0 stays -0 */
}

/* erf(x) = x P(x^2) below 1 (relative error 1.2e-9), else sign(x) (1 - exp(-Q(|x|))) with Q = -log(1 - erf), as
 * N. Juffa proposed; error of the polynomial 1.6e-9. From 3.95 on the result is 1. */
static ALWAYS_INLINE vf v_erf(vf x) {
    const vf a = v_min(v_set1(3.95f), v_abs(x)), square = v_mul(x, x);
    vf p = v_set1(0x1.496a32p-14f);
    p = v_fma(p, square, v_set1(-0x1.a3f700p-11f));
    p = v_fma(p, square, v_set1(0x1.5405b2p-8f));
    p = v_fma(p, square, v_set1(-0x1.b7f90cp-6f));
    p = v_fma(p, square, v_set1(0x1.ce2cf8p-4f));
    p = v_fma(p, square, v_set1(-0x1.81273ep-2f));
    p = v_fma(p, square, v_set1(0x1.20dd74p+0f));
    vf q = v_set1(-0x1.9d84cep-13f);
    q = v_fma(q, a, v_set1(0x1.9080fcp-9f));
    q = v_fma(q, a, v_set1(-0x1.6cfcc8p-6f));
    q = v_fma(q, a, v_set1(0x1.aa2308p-4f));
    q = v_fma(q, a, v_set1(0x1.462cb4p-1f));
    q = v_fma(q, a, v_set1(0x1.20b432p+0f));
    q = v_fma(q, a, v_set1(0x1.743f1ep-13f));
    const vf large = v_sub(v_set1(1.0f), v_exp(v_sub(v_zero(), q)));
    return v_copy_sign(v_select_less(a, v_set1(1.0f), v_mul(a, p), large), x);
}

#endif
