#define SMALL 1000000
#define LARGE (1000L * SMALL)
static inline double half(double x) { return x / 2; }
