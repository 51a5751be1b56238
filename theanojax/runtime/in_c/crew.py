"""The C++ of threads that share large products: a process has one crew of them, for all programs."""

CREW = r"""
// Whoever asks for something to be done in pieces does pieces, too, until none is left: if other processes have the
// other cores, nobody waits but for pieces that are under way. Threads with nothing to do sleep.
struct Crew {
    void (*share)(Crew*, void (*work)(void*, int), void* with, int pieces);
    int threads;  // with the one that asks
};
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
static inline void pause_a_little() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}
struct Workers : Crew {
    pthread_mutex_t mutex;
    pthread_cond_t begun, ended;
    void (*work)(void*, int);
    void* with;
    int pieces;
    bool open;  // whether threads may still join
    std::atomic<long> number;  // of what is done in pieces
    std::atomic<int> next, inside;
    std::atomic<bool> busy;
    pid_t owner;
};
const int A_WHILE = 2000;  // turns, some ten microseconds, before a thread sleeps

static void do_pieces(Workers* w, void (*work)(void*, int), void* with, int pieces) {
    for (int i; (i = w->next.fetch_add(1)) < pieces;) work(with, i);
}
static void* be_worker(void* given) {
    Workers* w = (Workers*)given;
    Flushing flushing;
    for (long seen = 0;;) {
        for (int turns = 0; turns < A_WHILE && w->number.load() == seen; ++turns) pause_a_little();
        pthread_mutex_lock(&w->mutex);
        while (!w->open || w->number.load() == seen) pthread_cond_wait(&w->begun, &w->mutex);
        seen = w->number.load();
        w->inside.fetch_add(1);
        void (*work)(void*, int) = w->work;
        void* with = w->with;
        const int pieces = w->pieces;
        pthread_mutex_unlock(&w->mutex);
        do_pieces(w, work, with, pieces);
        pthread_mutex_lock(&w->mutex);
        if (w->inside.fetch_sub(1) == 1) pthread_cond_signal(&w->ended);
        pthread_mutex_unlock(&w->mutex);
    }
    return NULL;
}
static void share_among_workers(Crew* crew, void (*work)(void*, int), void* with, int pieces) {
    Workers* w = (Workers*)crew;
    // another thread of Python may have the crew; a forked process has none
    if (pieces < 2 || w->threads < 2 || w->owner != getpid() || w->busy.exchange(true)) {
        for (int i = 0; i < pieces; ++i) work(with, i);
        return;
    }
    pthread_mutex_lock(&w->mutex);
    w->work = work;
    w->with = with;
    w->pieces = pieces;
    w->next.store(0);
    w->open = true;
    w->number.fetch_add(1);
    pthread_cond_broadcast(&w->begun);
    pthread_mutex_unlock(&w->mutex);
    do_pieces(w, work, with, pieces);
    pthread_mutex_lock(&w->mutex);
    w->open = false;
    pthread_mutex_unlock(&w->mutex);
    for (int turns = 0; turns < A_WHILE && w->inside.load(); ++turns) pause_a_little();
    pthread_mutex_lock(&w->mutex);
    while (w->inside.load()) pthread_cond_wait(&w->ended, &w->mutex);
    pthread_mutex_unlock(&w->mutex);
    w->busy.store(false);
}
static Crew* new_crew(int threads) {
    Workers* w = new Workers();  // it stays as long as the process: its threads never end
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->begun, NULL);
    pthread_cond_init(&w->ended, NULL);
    w->share = share_among_workers;
    w->owner = getpid();
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);  // signals are for Python's threads
    pthread_t thread;
    for (w->threads = 1; w->threads < threads && !pthread_create(&thread, NULL, be_worker, w); ++w->threads)
        pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return w;
}
#else
static void do_alone(Crew*, void (*work)(void*, int), void* with, int pieces) {
    for (int i = 0; i < pieces; ++i) work(with, i);
}
static Crew* new_crew(int) { return new Crew{do_alone, 1}; }
#endif
static Crew* crew = NULL;
static bool find_crew(int threads) {
    const char* name = "theanojax.crew.1";
    PyObject* known = PyInterpreterState_GetDict(PyInterpreterState_Get());
    if (!known) {
        PyErr_SetString(PyExc_RuntimeError, "the interpreter has no dict");
        return false;
    }
    PyObject* capsule = PyDict_GetItemString(known, name);
    if (capsule) return (crew = (Crew*)PyCapsule_GetPointer(capsule, name)) != NULL;
    capsule = PyCapsule_New(new_crew(threads), name, NULL);
    if (!capsule) return false;
    crew = (Crew*)PyCapsule_GetPointer(capsule, name);
    const bool kept = !PyDict_SetItemString(known, name, capsule);
    Py_DECREF(capsule);
    return kept;
}
"""
