"""What the C of every program begins with."""

PRELUDE = r"""
#define NPY_NO_DEPRECATED_API NPY_1_7_API_VERSION
#include <Python.h>
#include <numpy/arrayobject.h>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <type_traits>

// Numbers too small for full precision count as zero meanwhile, as in XLA's programs.
class Flushing {
#if defined(__x86_64__)
    unsigned before;
public:
    Flushing() : before(__builtin_ia32_stmxcsr()) { __builtin_ia32_ldmxcsr(before | 0x8040); }
    ~Flushing() { __builtin_ia32_ldmxcsr(before); }
#elif defined(__aarch64__)
    uint64_t before;
public:
    Flushing() {
        __asm__ volatile("mrs %0, fpcr" : "=r"(before));
        __asm__ volatile("msr fpcr, %0" : : "r"(before | (1 << 24)));
    }
    ~Flushing() { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }
#else
public:
    Flushing() {}
    ~Flushing() {}
#endif
};

// Functions of glibc that compilers can call for several elements at once; 2.22 has some of them, 2.35 the others.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && __GLIBC_PREREQ(2, 22)
#define OLD_SIMD __attribute__((simd("notinbranch"), const, nothrow))
#if __GLIBC_PREREQ(2, 35)
#define NEW_SIMD OLD_SIMD
#endif
#endif
#ifndef OLD_SIMD
#define OLD_SIMD __attribute__((const, nothrow))
#endif
#ifndef NEW_SIMD
#define NEW_SIMD __attribute__((const, nothrow))
#endif
// 0 for what counts as 0 meanwhile, which some functions of the C library do not know
template <typename T> static inline T not_subnormal(T x) { return x == 0 ? T(0) : x; }
#define FUNCTION(NAME, SIMD) \
    extern "C" double plain_##NAME(double) __asm__(#NAME) SIMD; \
    extern "C" float plain_##NAME##f(float) __asm__(#NAME "f") SIMD; \
    static inline double of_##NAME(double x) { return plain_##NAME(x); } \
    static inline float of_##NAME(float x) { return plain_##NAME##f(x); }
FUNCTION(exp, OLD_SIMD)
FUNCTION(log, OLD_SIMD)
#define of_log(X) of_log(not_subnormal(X))
FUNCTION(sin, OLD_SIMD)
FUNCTION(cos, OLD_SIMD)
FUNCTION(log1p, NEW_SIMD)
FUNCTION(expm1, NEW_SIMD)
extern "C" double plain_pow(double, double) __asm__("pow") OLD_SIMD;
extern "C" float plain_powf(float, float) __asm__("powf") OLD_SIMD;
static inline double of_pow(double x, double y) { return plain_pow(x, y); }
static inline float of_pow(float x, float y) { return plain_powf(x, y); }

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
static inline double multiplied_and_added(double x, double y, double z) { return __builtin_fma(x, y, z); }
static inline float multiplied_and_added(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
#else
static inline double multiplied_and_added(double x, double y, double z) { return x * y + z; }
static inline float multiplied_and_added(float x, float y, float z) { return x * y + z; }
#endif
// The polynomial of z with these coefficients, that of 1 first.
template <typename T> static inline T polynomial(T, T last) { return last; }
template <typename T, typename... More> static inline T polynomial(T z, T first, More... more) {
    return multiplied_and_added(polynomial(z, more...), z, first);
}
// tanh(x) as x p(x * x) / q(x * x), up to where it is 1: polynomials whose quotients are the nearest of their degrees,
// off by 7e-17 and 2e-8 of the value. Rounding makes that 7 and 5 units in the last place at most, as many as XLA's.
// glibc's takes ten times as long.
static inline double of_tanh(double x) {
    const double a = x < -19.07 ? -19.07 : x > 19.07 ? 19.07 : x, z = a * a;
    const double p = polynomial(z, 1.0, 1.5180653386489479448e-1, 5.9748883779786282456e-3,
            9.3609515366604263249e-5, 6.8313280281854812954e-7, 2.4409426094929228997e-9,
            4.1718630796758897067e-12, 3.0643743671622945578e-15, 7.4155599331250280556e-19,
            2.5021192398905347797e-23);
    const double q = polynomial(z, 1.0, 4.8513986719822725875e-1, 3.4354844110722871091e-2,
            8.2816256076291598398e-4, 8.7544652187428289779e-6, 4.4639032680103066787e-8,
            1.1113671658148511091e-10, 1.2706936223483532536e-13, 5.6329610684734643939e-17,
            6.2248908718251744214e-21);
    const double value = a * p / q;
    return value > 1 ? 1 : value < -1 ? -1 : value;
}
static inline float of_tanh(float x) {
    const float a = x < -9.02f ? -9.02f : x > 9.02f ? 9.02f : x, z = a * a;
    const float p = polynomial(z, 1.0f, 1.3379744993105113652e-1f, 3.4940657061908357182e-3f,
            2.0583955957233807854e-5f, 1.3319660512803321051e-8f);
    const float q = polynomial(z, 1.0f, 4.6713060290986844661e-1f, 2.5871194208990657519e-2f,
            3.2831421279532581788e-4f, 7.7622748752655065026e-7f);
    const float value = a * p / q;
    return value > 1 ? 1 : value < -1 ? -1 : value;
}

template <typename T> static inline T greater_of(T a, T b) { return (a > b) | (a != a) ? a : b; }
template <typename T> static inline T lesser_of(T a, T b) { return (a < b) | (a != a) ? a : b; }
#pragma omp declare reduction(greatest : \
    float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t : \
    omp_out = greater_of(omp_out, omp_in)) initializer(omp_priv = omp_orig)
#pragma omp declare reduction(least : \
    float, double, int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t : \
    omp_out = lesser_of(omp_out, omp_in)) initializer(omp_priv = omp_orig)
template <typename T> static inline T sign_of(T a) { return a > 0 ? T(1) : a < 0 ? T(-1) : a; }
template <typename T> static inline T lowest_of() {
    typedef std::numeric_limits<T> limits;
    return limits::has_infinity ? -limits::infinity() : limits::lowest();
}
template <typename T> static inline T highest_of() {
    typedef std::numeric_limits<T> limits;
    return limits::has_infinity ? limits::infinity() : limits::max();
}
// the C library's lgamma writes to a variable that all threads share
#if defined(__GLIBC__)
static inline double of_lgamma(double x) { int sign; return lgamma_r(not_subnormal(x), &sign); }
static inline float of_lgamma(float x) { int sign; return lgammaf_r(not_subnormal(x), &sign); }
#else
template <typename T> static inline T of_lgamma(T x) { return std::lgamma(x); }
#endif
template <int N, typename T> static inline T power_of(T x) {
    T result = 1;
    for (int n = N; n; n >>= 1) {
        if (n & 1) result *= x;
        x *= x;
    }
    return result;
}
// XLA's answers where C has none
template <typename T> static inline T quotient_of(T a, T b) {
    return b == 0 ? T(-1) : std::numeric_limits<T>::is_signed && b == T(-1) ? T(-a) : T(a / b);
}
template <typename T> static inline T remainder_of(T a, T b) {
    return b == 0 ? a : std::numeric_limits<T>::is_signed && b == T(-1) ? T(0) : T(a % b);
}
template <typename T> static inline T shifted_left(T a, T b) {
    return b < 0 || (uint64_t)b >= 8 * sizeof(T) ? T(0) : T((uint64_t)a << b);
}
template <int BYTES> struct unsigned_of;
template <> struct unsigned_of<1> { typedef uint8_t type; };
template <> struct unsigned_of<2> { typedef uint16_t type; };
template <> struct unsigned_of<4> { typedef uint32_t type; };
template <> struct unsigned_of<8> { typedef uint64_t type; };
template <typename T> static inline T shifted_right_signed(T a, T b) {
    typedef typename std::make_signed<typename unsigned_of<sizeof(T)>::type>::type S;
    return b < 0 || (uint64_t)b >= 8 * sizeof(T) ? T((S)a < 0 ? -1 : 0) : T((S)a >> b);
}
template <typename T> static inline T shifted_right(T a, T b) {
    typedef typename unsigned_of<sizeof(T)>::type U;
    return b < 0 || (uint64_t)b >= 8 * sizeof(T) ? T(0) : T((U)a >> b);
}
template <typename I, typename F> static inline I integer_of(F x, I low, I high) {
    return x != x ? I(0) : x <= (F)low ? low : x >= (F)high ? high : I(x);
}
template <typename TO, typename FROM> static inline TO same_bits(FROM x) {
    TO to;
    __builtin_memcpy(&to, &x, sizeof(to));
    return to;
}
static inline int64_t within(int64_t i, int64_t last) { return i < 0 ? 0 : i > last ? last : i; }
static inline bool is_within(int64_t i, int64_t last) { return 0 <= i && i <= last; }

// Products may leave out the rounding between * and +; all else rounds as numpy does.
#if defined(__GNUC__) && !defined(__clang__)
#define FUSED __attribute__((optimize("fp-contract=fast")))
#else
#define FUSED
#endif

// Vectors of 32 bytes: compilers make of them what the processor has.
template <typename T> struct vector_of { typedef T type __attribute__((vector_size(32), aligned(sizeof(T)))); };
template <typename T> static inline typename vector_of<T>::type load(const T* p) {
    return *(const typename vector_of<T>::type*)p;
}
template <typename T> static inline T sum_of(typename vector_of<T>::type v) {
    T sum = 0;
    for (unsigned j = 0; j < 32 / sizeof(T); ++j) sum += v[j];
    return sum;
}

// c[i, j] = sum over k of a[i * AM + k * AK] * b[k * BK + j * BN], in blocks that fit the registers.
// The rows of b lie in order: vectors along them.
template <typename T, int ROWS, int VECTORS, int N, int K, int AM, int AK, int BK>
FUSED static inline void along_rows(const T* a, const T* b, T* c) {
    typedef typename vector_of<T>::type V;
    const int LONG = 32 / sizeof(T);
    V sum[ROWS][VECTORS];
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < VECTORS; ++j) sum[i][j] = V{};
    for (int k = 0; k < K; ++k) {
        V row[VECTORS];
        for (int j = 0; j < VECTORS; ++j) row[j] = load<T>(b + (int64_t)k * BK + j * LONG);
        for (int i = 0; i < ROWS; ++i) {
            const T x = a[(int64_t)i * AM + (int64_t)k * AK];
            for (int j = 0; j < VECTORS; ++j) sum[i][j] += x * row[j];
        }
    }
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < VECTORS; ++j) *(V*)(c + (int64_t)i * N + j * LONG) = sum[i][j];
}
// The columns of b and the rows of a do: products of vectors.
template <typename T, int ROWS, int COLUMNS, int N, int K, int AM, int BN>
FUSED static inline void along_columns(const T* a, const T* b, T* c) {
    typedef typename vector_of<T>::type V;
    const int LONG = 32 / sizeof(T);
    V sum[ROWS][COLUMNS];
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < COLUMNS; ++j) sum[i][j] = V{};
    int k = 0;
    for (; k + LONG <= K; k += LONG)
        for (int i = 0; i < ROWS; ++i) {
            const V x = load<T>(a + (int64_t)i * AM + k);
            for (int j = 0; j < COLUMNS; ++j) sum[i][j] += x * load<T>(b + (int64_t)j * BN + k);
        }
    for (int i = 0; i < ROWS; ++i)
        for (int j = 0; j < COLUMNS; ++j) {
            T rest = sum_of<T>(sum[i][j]);
            for (int l = k; l < K; ++l) rest += a[(int64_t)i * AM + l] * b[(int64_t)j * BN + l];
            c[(int64_t)i * N + j] = rest;
        }
}
// One row: the rows of b, four at a time, as they lie.
template <typename T, int N, int K, int AK, int BK>
FUSED static inline void sum_of_rows(const T* a, const T* b, T* c) {
    for (int j = 0; j < N; ++j) c[j] = 0;
    int k = 0;
    for (; k + 4 <= K; k += 4) {
        const T x = a[(int64_t)k * AK], y = a[(int64_t)(k + 1) * AK];
        const T z = a[(int64_t)(k + 2) * AK], w = a[(int64_t)(k + 3) * AK];
        const T *p = b + (int64_t)k * BK, *q = p + BK, *r = q + BK, *s = r + BK;
#pragma omp simd
        for (int j = 0; j < N; ++j) c[j] += (x * p[j] + y * q[j]) + (z * r[j] + w * s[j]);
    }
    for (; k < K; ++k) {
        const T x = a[(int64_t)k * AK];
        const T* row = b + (int64_t)k * BK;
#pragma omp simd
        for (int j = 0; j < N; ++j) c[j] += x * row[j];
    }
}
template <typename T, int N, int K, int AK, int BK, int BN>
static inline void one_element(const T* a, const T* b, T* c) {
    T sum = 0;
    for (int k = 0; k < K; ++k) sum += a[(int64_t)k * AK] * b[(int64_t)k * BK];
    *c = sum;
}
// WIDE vectors of columns, where the rows of b lie in order, or columns. Six rows at a time, as twelve sums keep two
// units busy and fit sixteen registers; no block is much smaller.
template <typename T, int WIDE, int M, int N, int K, int AM, int AK, int BK, int BN>
static inline void columns_of(const T* a, const T* b, T* c) {
    const int BLOCKS = M > 6 ? (M + 5) / 6 : 1, ROWS = M ? (M + BLOCKS - 1) / BLOCKS : 1, REST = M % ROWS;
    for (int i = 0; i + ROWS <= M; i += ROWS, a += (int64_t)ROWS * AM, c += (int64_t)ROWS * N) {
        if (BN == 1) along_rows<T, ROWS, WIDE, N, K, AM, AK, BK>(a, b, c);
        else along_columns<T, ROWS, WIDE, N, K, AM, BN>(a, b, c);
    }
    if (!REST) return;
    if (BN == 1) along_rows<T, REST ? REST : 1, WIDE, N, K, AM, AK, BK>(a, b, c);
    else along_columns<T, REST ? REST : 1, WIDE, N, K, AM, BN>(a, b, c);
}
template <typename T, int M, int N, int K, int AM, int AK, int BK, int BN>
static inline void product_of(const T* a, const T* b, T* c) {
    const int LONG = 32 / sizeof(T), WIDE = M > 2 ? 2 : 4;
    if (M == 1 && BN == 1 && N >= 32 * LONG) {
        sum_of_rows<T, N, K, AK, BK>(a, b, c);
        return;
    }
    int j = 0;
    if (BN == 1) {
        for (; j + WIDE * LONG <= N; j += WIDE * LONG) columns_of<T, WIDE, M, N, K, AM, AK, BK, 1>(a, b + j, c + j);
        for (; j + LONG <= N; j += LONG) columns_of<T, 1, M, N, K, AM, AK, BK, 1>(a, b + j, c + j);
    } else if (AK == 1 && BK == 1 && K >= LONG) {
        for (; j + WIDE <= N; j += WIDE)
            columns_of<T, WIDE, M, N, K, AM, AK, BK, BN>(a, b + (int64_t)j * BN, c + j);
        for (; j < N; ++j) columns_of<T, 1, M, N, K, AM, AK, BK, BN>(a, b + (int64_t)j * BN, c + j);
    }
    for (; j < N; ++j)
        for (int i = 0; i < M; ++i)
            one_element<T, N, K, AK, BK, BN>(a + (int64_t)i * AM, b + (int64_t)j * BN, c + (int64_t)i * N + j);
}
"""
