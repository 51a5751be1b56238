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

// tanh by a quotient of polynomials near 0 and the exponential elsewhere, as Cephes has it; glibc's takes three times
// as long.
static inline double of_tanh(double x) {
    const double a = std::fabs(x), z = x * x;
    const double p = (-9.64399179425052238628e-1 * z - 9.92877231001918586564e1) * z - 1.61468768441708447952e3;
    const double q = ((z + 1.12811678491632931402e2) * z + 2.23548839060100448583e3) * z + 4.84406305325125486048e3;
    const double e = of_exp(2 * (a < 20 ? a : 20)), far = x < 0 ? 1 - e : e - 1;
    const bool near = a < 0.625;
    const double value = (near ? x * (q + z * p) : far) / (near ? q : e + 1);
    return x != x ? x : value;
}
static inline float of_tanh(float x) {
    const float a = std::fabs(x), z = x * x;
    const float p = (((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z
                    - 3.33332819422e-1f;
    const float near = x + x * z * p;
    const float far = 1 - 2 / (of_exp(2 * a) + 1);
    return a < 0.625f ? near : x < 0 ? -far : x != x ? x : far;
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
template <typename T, int ROWS, int N, int K, int AM, int AK, int BK, int BN>
FUSED static inline void rows_of(const T* a, const T* b, T* c) {
    const int LONG = 32 / sizeof(T);
    int j = 0;
    if (BN == 1) {
        const int WIDE = ROWS > 2 ? 2 : 4;
        for (; j + WIDE * LONG <= N; j += WIDE * LONG)
            along_rows<T, ROWS, WIDE, N, K, AM, AK, BK>(a, b + j, c + j);
        for (; j + LONG <= N; j += LONG) along_rows<T, ROWS, 1, N, K, AM, AK, BK>(a, b + j, c + j);
    } else if (AK == 1 && BK == 1 && K >= LONG) {
        const int WIDE = ROWS > 2 ? 2 : 4;
        for (; j + WIDE <= N; j += WIDE) along_columns<T, ROWS, WIDE, N, K, AM, BN>(a, b + (int64_t)j * BN, c + j);
        for (; j < N; ++j) along_columns<T, ROWS, 1, N, K, AM, BN>(a, b + (int64_t)j * BN, c + j);
    }
    for (; j < N; ++j)
        for (int i = 0; i < ROWS; ++i)
            one_element<T, N, K, AK, BK, BN>(a + (int64_t)i * AM, b + (int64_t)j * BN, c + (int64_t)i * N + j);
}
template <typename T, int M, int N, int K, int AM, int AK, int BK, int BN>
static inline void product_of(const T* a, const T* b, T* c) {
    if (M == 1 && BN == 1 && N >= 1024 / sizeof(T)) {
        sum_of_rows<T, N, K, AK, BK>(a, b, c);
        return;
    }
    int i = 0;
    for (; i + 4 <= M; i += 4) rows_of<T, 4, N, K, AM, AK, BK, BN>(a + (int64_t)i * AM, b, c + (int64_t)i * N);
    for (; i < M; ++i) rows_of<T, 1, N, K, AM, AK, BK, BN>(a + (int64_t)i * AM, b, c + (int64_t)i * N);
}
"""

BLAS = r"""
// scipy's BLAS, by the pointers that it has for Cython
typedef void (*dgemm_t)(char*, char*, int*, int*, int*, double*, double*, int*, double*, int*, double*, double*, int*);
typedef void (*sgemm_t)(char*, char*, int*, int*, int*, float*, float*, int*, float*, int*, float*, float*, int*);
static dgemm_t dgemm = NULL;
static sgemm_t sgemm = NULL;
static void* pointer_of(const char* name) {
    PyObject *module = PyImport_ImportModule("scipy.linalg.cython_blas"), *names = NULL, *capsule = NULL;
    void* found = NULL;
    if (module) names = PyObject_GetAttrString(module, "__pyx_capi__");
    if (names) capsule = PyMapping_GetItemString(names, name);
    if (capsule) found = PyCapsule_GetPointer(capsule, PyCapsule_GetName(capsule));
    Py_XDECREF(module);
    Py_XDECREF(names);
    Py_XDECREF(capsule);
    return found;
}
static bool load_blas(int threads) {
    dgemm = (dgemm_t)pointer_of("dgemm");
    sgemm = dgemm ? (sgemm_t)pointer_of("sgemm") : NULL;
    return sgemm != NULL && find_crew(threads);
}
static void gemm(char a, char b, int m, int n, int k, double scale, const double* x, int xs, const double* y, int ys,
                 bool add, double* z, int zs) {
    double before = add;
    dgemm(&a, &b, &m, &n, &k, &scale, (double*)x, &xs, (double*)y, &ys, &before, z, &zs);
}
static void gemm(char a, char b, int m, int n, int k, float scale, const float* x, int xs, const float* y, int ys,
                 bool add, float* z, int zs) {
    float before = add;
    sgemm(&a, &b, &m, &n, &k, &scale, (float*)x, &xs, (float*)y, &ys, &before, z, &zs);
}
static inline int smaller_of(int a, int b) { return a < b ? a : b; }
static inline int pieces_of(int length, int piece) { return (length + piece - 1) / piece; }
// c[i, j] = scale * (sum over k of a[i * am + k * ak] * b[k * bk + j * bn]), which is added to what is there if `add`.
// BLAS has Fortran's order, so it is c.T = b.T a.T.
// In pieces that are too small for OpenBLAS to give them to several threads: these wait for each other by giving up
// their turns, fifty times as long as the work takes where others use the processor, too.
template <typename T> struct Product {
    int m, n, k, am, ak, bk, bn;
    T scale;
    const T *a, *b;
    bool add;
    T* c;
    int tall, wide, deep;

    static void piece(void* given, int number) {
        const Product& p = *(const Product*)given;
        const bool rows_a = p.ak == 1 || p.k == 1, rows_b = p.bn == 1 || p.n == 1;
        const int step_a = rows_a ? p.am : p.ak, step_b = rows_b ? p.bk : p.bn;
        const int least_a = rows_a ? p.k : p.m, least_b = rows_b ? p.n : p.k;
        const int columns = pieces_of(p.n, p.wide), i = number / columns * p.tall, j = number % columns * p.wide;
        for (int q = 0; q < p.k; q += p.deep)
            gemm(rows_b ? 'N' : 'T', rows_a ? 'N' : 'T', smaller_of(p.wide, p.n - j), smaller_of(p.tall, p.m - i),
                 smaller_of(p.deep, p.k - q), p.scale,
                 p.b + (int64_t)q * p.bk + (int64_t)j * p.bn, step_b < least_b ? least_b : step_b,
                 p.a + (int64_t)i * p.am + (int64_t)q * p.ak, step_a < least_a ? least_a : step_a, p.add || q > 0,
                 p.c + (int64_t)i * p.n + j, p.n);
    }
};
template <typename T>
static void blas_product(int m, int n, int k, int am, int ak, int bk, int bn, T scale, const T* a, const T* b,
                         bool add, T* c) {
    if (m <= 0 || n <= 0) return;
    if (k <= 0) {
        for (int64_t i = 0; i < (int64_t)m * n && !add; ++i) c[i] = 0;
        return;
    }
    const int PIECE = 1 << 18, deep = smaller_of(k, 128), tall = smaller_of(m, 64), rows = pieces_of(m, tall);
    int wide = smaller_of(n, PIECE / (deep * tall));
    while (wide > 64 && rows * pieces_of(n, wide) < 4 * crew->threads) wide = (wide / 2 + 15) / 16 * 16;
    Product<T> product = {m, n, k, am, ak, bk, bn, scale, a, b, add, c, tall, wide, deep};
    const int pieces = rows * pieces_of(n, wide);
    if ((int64_t)m * n * k > 1 << 20) crew->share(crew, Product<T>::piece, &product, pieces);
    else for (int i = 0; i < pieces; ++i) Product<T>::piece(&product, i);  // it takes as long to wake up a thread
}
"""
