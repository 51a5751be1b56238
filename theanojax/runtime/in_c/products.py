"""The C++ of large products, of which threads do pieces."""

PRODUCTS = r"""
// c[i, j] = scale * (sum over k of a[i * am + k * ak] * b[k * bk + j * bn]), which is added to what is there if `add`.
// OpenBLAS takes up to four times as long where there are few rows: it copies all of b for them.
#if defined(__AVX512F__)
enum { WIDEST = 64 };
#else
enum { WIDEST = 32 };
#endif
template <typename T> struct widest_of { typedef T type __attribute__((vector_size(WIDEST), aligned(sizeof(T)))); };

template <typename T> struct Product {
    typedef typename widest_of<T>::type V;
    enum { LONG = WIDEST / sizeof(T), STRIP = 2 * LONG, ROWS = 6, DEEP = 256, FEW = 12 };
    int m, n, k, am, ak, bk, bn;
    T scale;
    const T *a, *b;
    bool add;
    T* c;
    int tall, wide;

    // Some rows of c in a strip of its columns: sums that stay in registers. b is read in vectors, rows `step` apart.
    template <int COUNT>
    FUSED static void tile(const Product& p, int depth, const T* a, const T* b, int step, bool add, T* c, int columns) {
        V sum[COUNT][2];
        for (int i = 0; i < COUNT; ++i) sum[i][0] = sum[i][1] = V{};
        for (int k = 0; k < depth; ++k) {
            const V left = *(const V*)(b + (int64_t)k * step), right = *(const V*)(b + (int64_t)k * step + LONG);
            for (int i = 0; i < COUNT; ++i) {
                const T x = a[(int64_t)i * p.am + (int64_t)k * p.ak];
                sum[i][0] += x * left;
                sum[i][1] += x * right;
            }
        }
        for (int i = 0; i < COUNT; ++i) {
            T* row = c + (int64_t)i * p.n;
            sum[i][0] *= p.scale;
            sum[i][1] *= p.scale;
            if (columns == STRIP) {
                V *first = (V*)row, *second = (V*)(row + LONG);
                *first = add ? *first + sum[i][0] : sum[i][0];
                *second = add ? *second + sum[i][1] : sum[i][1];
            } else {
                for (int j = 0; j < columns; ++j) row[j] = (add ? row[j] : T(0)) + sum[i][j / LONG][j % LONG];
            }
        }
    }
    static void rows(const Product& p, int count, int depth, const T* a, const T* b, int step, bool add, T* c,
                     int columns) {
        for (; count >= ROWS; count -= ROWS, a += (int64_t)ROWS * p.am, c += (int64_t)ROWS * p.n)
            tile<ROWS>(p, depth, a, b, step, add, c, columns);
        switch (count) {
            case 5: return tile<5>(p, depth, a, b, step, add, c, columns);
            case 4: return tile<4>(p, depth, a, b, step, add, c, columns);
            case 3: return tile<3>(p, depth, a, b, step, add, c, columns);
            case 2: return tile<2>(p, depth, a, b, step, add, c, columns);
            case 1: return tile<1>(p, depth, a, b, step, add, c, columns);
        }
    }
    // A strip of b as vectors that lie one after the other.
    static void pack(const Product& p, int depth, const T* b, int columns, T* to) {
        if (columns < STRIP)
            for (int i = 0; i < depth * STRIP; ++i) to[i] = 0;
        if (p.bn == 1) {
            for (int k = 0; k < depth; ++k)
                __builtin_memcpy(to + k * STRIP, b + (int64_t)k * p.bk, columns * sizeof(T));
        } else {
            for (int j = 0; j < columns; ++j)
                for (int k = 0; k < depth; ++k) to[k * STRIP + j] = b[(int64_t)k * p.bk + (int64_t)j * p.bn];
        }
    }
    static void piece(void* given, int number) {
        const Product& p = *(const Product*)given;
        const int columns = pieces_of(p.n, p.wide), i = number / columns * p.tall, first = number % columns * p.wide;
        const int count = smaller_of(p.tall, p.m - i), last = smaller_of(first + p.wide, p.n);
        alignas(64) T strip[DEEP * STRIP];
        for (int q = 0; q < p.k; q += DEEP) {
            const int depth = smaller_of(DEEP, p.k - q);
            const T* a = p.a + (int64_t)i * p.am + (int64_t)q * p.ak;
            for (int j = first; j < last; j += STRIP) {
                const T* b = p.b + (int64_t)q * p.bk + (int64_t)j * p.bn;
                T* c = p.c + (int64_t)i * p.n + j;
                const int width = smaller_of(STRIP, last - j);
                if (p.bn == 1 && count <= FEW && width == STRIP) {
                    rows(p, count, depth, a, b, p.bk, p.add || q > 0, c, width);
                } else {
                    pack(p, depth, b, width, strip);
                    rows(p, count, depth, a, strip, STRIP, p.add || q > 0, c, width);
                }
            }
        }
    }
    static inline int smaller_of(int a, int b) { return a < b ? a : b; }
    static inline int pieces_of(int length, int piece) { return (length + piece - 1) / piece; }

    void compute() {
        if (m <= 0 || n <= 0) return;
        if (k <= 0) {
            for (int64_t i = 0; i < (int64_t)m * n && !add; ++i) c[i] = 0;
            return;
        }
        // about 128 rows at most, as many in each piece, and so many columns that there are pieces enough
        tall = pieces_of(pieces_of(m, pieces_of(m, 128)), ROWS) * ROWS;
        wide = pieces_of(smaller_of(n, 256), STRIP) * STRIP;
        while (wide > STRIP && pieces_of(m, tall) * pieces_of(n, wide) < 4 * crew->threads)
            wide = pieces_of(wide / 2, STRIP) * STRIP;
        const int pieces = pieces_of(m, tall) * pieces_of(n, wide);
        if ((int64_t)m * n * k > 1 << 21) crew->share(crew, piece, this, pieces);
        else for (int i = 0; i < pieces; ++i) piece(this, i);  // it takes as long to wake up a thread
    }
};
template <typename T>
static void large_product(int m, int n, int k, int am, int ak, int bk, int bn, T scale, const T* a, const T* b,
                          bool add, T* c) {
    Product<T>{m, n, k, am, ak, bk, bn, scale, a, b, add, c, 0, 0}.compute();
}
"""
