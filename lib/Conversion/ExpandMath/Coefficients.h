// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Written by scripts/fit-math, which names the method; not edited by hand.
// From the constant term up; the error is weighted to that of the function.

#ifndef BIT_CONVERSION_EXPANDMATH_COEFFICIENTS_H
#define BIT_CONVERSION_EXPANDMATH_COEFFICIENTS_H

namespace bit::coefficients {

// (e^r - 1 - r) / r^2, |r| <= ln(2) / 2; error 2^-28.1
inline constexpr double expF32[] = {0x1.0000000000000p-1, 0x1.5554920000000p-3,
                                    0x1.5555220000000p-5, 0x1.1239300000000p-7,
                                    0x1.6d14580000000p-10};

// the same; error 2^-60.4
inline constexpr double expF64[] = {
    0x1.0000000000000p-1,  0x1.555555555555cp-3,  0x1.555555555555ep-5,
    0x1.111111110ebb4p-7,  0x1.6c16c16c135afp-10, 0x1.a01a01b3bac88p-13,
    0x1.a01a01b44cb1dp-16, 0x1.71ddef94840e9p-19, 0x1.27e4bf41313efp-22,
    0x1.af6ccbce761a4p-26, 0x1.1f9dd7119cb26p-29};

// (log(1 + f) - f + f^2 / 2) / f^3, sqrt(1/2) <= 1 + f <= sqrt(2); error
// 2^-30.0
inline constexpr double logF32[] = {
    0x1.5555460000000p-2,  -0x1.ffffee0000000p-3, 0x1.99a5460000000p-3,
    -0x1.5562e20000000p-3, 0x1.2332c20000000p-3,  -0x1.fb43340000000p-4,
    0x1.e650980000000p-4,  -0x1.e2e9840000000p-4, 0x1.1b42a00000000p-4};

// (2 atanh(s) - 2 s) / s^3 in s^2, s = f / (2 + f); error 2^-65.6
inline constexpr double logF64[] = {0x1.5555555555555p-1, 0x1.9999999999d11p-2,
                                    0x1.24924924397f6p-2, 0x1.c71c724b67310p-3,
                                    0x1.745ce1c8ae4d8p-3, 0x1.3b202484b8bcap-3,
                                    0x1.0f6743e61140bp-3, 0x1.0f0dd52b0f3acp-3};

// (2 atanh(s) - 2 s - 2/3 s^3) / s^5 in s^2; error 2^-76.5
inline constexpr double logTailF64[] = {
    0x1.999999999999ap-2, 0x1.249249249232bp-2, 0x1.c71c71c759d11p-3,
    0x1.745d17199c028p-3, 0x1.3b13c41d9626bp-3, 0x1.110c08504aab2p-3,
    0x1.e3934c4c82fc3p-4, 0x1.827800cea85a4p-4, 0x1.068f0de3e90bdp-2,
    -0x1.dbffe6bc35a20p-1};

// (tanh(x) - x) / x^3 in x^2, |x| <= 0.625; error 2^-27.8
inline constexpr double tanhF32[] = {
    -0x1.5555340000000p-2, 0x1.11075e0000000p-3, -0x1.b842c40000000p-5,
    0x1.524c400000000p-6, -0x1.767a140000000p-8};

// erf(x) / x - 1 in x^2, |x| <= 0.92; error 2^-29.9
inline constexpr double erfF32[] = {
    0x1.06eba80000000p-3,  -0x1.8127400000000p-2, 0x1.ce2d600000000p-4,
    -0x1.b8007e0000000p-6, 0x1.54423c0000000p-8,  -0x1.a5b7860000000p-11,
    0x1.4e36580000000p-14};

// the same, |x| <= 1; error 2^-56.2
inline constexpr double erfF64[] = {
    0x1.06eba8214db69p-3,   -0x1.812746b0379e7p-2,  0x1.ce2f21a042be2p-4,
    -0x1.b82ce31288b47p-6,  0x1.565bcd0e6a2f8p-8,   -0x1.c02db40036185p-11,
    0x1.f9a326f7b2957p-14,  -0x1.f4d25bfa5e243p-17, 0x1.b9e6c39bc3e9fp-20,
    -0x1.5f73c47800525p-23, 0x1.fcbb3f2755e31p-27,  -0x1.517d3d221e429p-30,
    0x1.9a12f34d0573dp-34,  -0x1.b41ea1cee7e85p-38, 0x1.3c26e573dd8e0p-42};

// -log(1 - erf(t)), 0.92 <= t <= 3.95; error 2^-34.6
inline constexpr double erfTailF32[] = {
    -0x1.5065580000000p-13, 0x1.2122980000000p+0,  0x1.445fd00000000p-1,
    0x1.ba6aba0000000p-4,   -0x1.97e23c0000000p-6, 0x1.09a6ca0000000p-8,
    -0x1.a003480000000p-12, 0x1.e0a52e0000000p-17, 0x1.1741ca0000000p-21};

// (1 + 2 t) e^(t^2) (1 - erf(t)) in s = (t - 2) / (t + 2), 0.9 <= t <= 28;
// error 2^-53.3
inline constexpr double erfcxF64[] = {
    0x1.46e80e2277953p+0,   -0x1.7bf5ec1700631p-4,  -0x1.5407bebf32445p-3,
    0x1.4ffa1e14e2774p-3,   -0x1.bc2b9561989a3p-5,  -0x1.0742340478bbfp-7,
    0x1.1dd2ec90a2171p-7,   0x1.4d461d24e935fp-10,  -0x1.7de520f55980bp-10,
    -0x1.dc692fbb9b369p-12, 0x1.b0c87e29babe8p-13,  0x1.3cc057e4bf0d3p-13,
    -0x1.94c4432fbdf18p-20, -0x1.3182a1d930ed5p-15, -0x1.c5777cd1be49dp-17,
    0x1.f11c720caa410p-19,  0x1.674743c448fb9p-18,  0x1.75fc5940c70d7p-20,
    -0x1.16c88ff714d1fp-20, -0x1.c6c2b3b062a9dp-24, -0x1.8abaef9ea6f9ep-22,
    -0x1.13a1548e2a557p-20, 0x1.d83cc704b667dp-20,  -0x1.d5d43937586f8p-21,
    0x1.3d71b847792d5p-23};

// (sin(r) - r) / r^3 in r^2, |r| <= pi/4; error 2^-32.6
inline constexpr double sinF32[] = {-0x1.5555560000000p-3, 0x1.1111760000000p-7,
                                    -0x1.a05bba0000000p-13,
                                    0x1.7cd83e0000000p-19};

// the same; error 2^-63.3
inline constexpr double sinF64[] = {
    -0x1.5555555555555p-3, 0x1.1111111111067p-7,   -0x1.a01a019ffdba2p-13,
    0x1.71de3a32a9409p-19, -0x1.ae642ad5e95acp-26, 0x1.6108b3ab6518cp-33,
    -0x1.9f70e67f5ed1dp-41};

// (cos(r) - 1 + r^2 / 2) / r^4 in r^2, |r| <= pi/4; error 2^-33.1
inline constexpr double cosF32[] = {
    0x1.55554a0000000p-5, -0x1.6c0c1a0000000p-10, 0x1.99e0ee0000000p-16};

// the same; error 2^-64.2
inline constexpr double cosF64[] = {
    0x1.555555555554cp-5,   -0x1.6c16c16c1521dp-10, 0x1.a01a019cbf0cdp-16,
    -0x1.27e4f8126467ap-22, 0x1.1ee9f10f9e604p-29,  -0x1.8fb109633723cp-37};

// (atan(u) - u) / u^3 in u^2, |u| <= sqrt(2) - 1; error 2^-65.9
inline constexpr double atanF64[] = {
    -0x1.5555555555555p-2, 0x1.9999999999888p-3,  -0x1.2492492488b56p-3,
    0x1.c71c71c1b6ef8p-4,  -0x1.745d1660aa3a5p-4, 0x1.3b1398dd6ae31p-4,
    -0x1.110f524f38faap-4, 0x1.e1b58d14dee2ep-5,  -0x1.ad9d744098618p-5,
    0x1.7c7576c643e94p-5,  -0x1.3a8aeb3083476p-5, 0x1.9d08a8fbb9ff0p-6,
    -0x1.272215731b919p-7};

// (asin(x) - x) / x^3 in x^2, |x| <= 1/2; error 2^-59.8
inline constexpr double asinF64[] = {
    0x1.5555555555578p-3, 0x1.333333332df17p-4, 0x1.6db6db722b542p-5,
    0x1.f1c71a8ba3549p-6, 0x1.6e8bdfe5da07fp-6, 0x1.1c49de0eb5358p-6,
    0x1.ca2143163f9edp-7, 0x1.757796cc33777p-7, 0x1.618a857dfe0a2p-7,
    0x1.e15e56dc482fdp-9, 0x1.650114fd2a168p-6, -0x1.59f53949b8648p-6,
    0x1.0be400554490fp-5};

// The binary digits of 2 / pi; the first digit of the first word has the
// weight 1.
inline constexpr unsigned twoOverPi[] = {
    0x517cc1b7, 0x27220a94, 0xfe13abe8, 0xfa9a6ee0, 0x6db14acc, 0x9e21c820,
    0xff28b1d5, 0xef5de2b0, 0xdb92371d, 0x2126e970, 0x03249775, 0x04e8c90e,
    0x7f0ef58e, 0x5894d39f, 0x74411afa, 0x975da242, 0x74ce3813, 0x5a2fbf20,
    0x9cc8eb1c, 0xc1a99cfa, 0x4e422fc5, 0xdefc941d, 0x8ffc4bff, 0xef02cc07,
    0xf79788c5, 0xad05368f, 0xb69b3f67, 0x93e584db, 0xa7a31fb3, 0x4f2ff516,
    0xba93dd63, 0xf5f2f8bd, 0x9e839cfb, 0xc5294975, 0x35fdafd8, 0x8fc6ae84,
    0x2b019823};

} // namespace bit::coefficients

#endif // BIT_CONVERSION_EXPANDMATH_COEFFICIENTS_H
