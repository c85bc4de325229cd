#define DEFINE_LIST(name) struct name { int size; };
#define BEGIN_THREADS {
#define END_THREADS }

DEFINE_LIST(names)

static int first(int a)
{
    int n = 0;
    BEGIN_THREADS
    if (a > 1) {
        n = 1;
    }
    END_THREADS

    if (a > 2) {
        n = 2;
    }
    return n;
}

PyMODINIT_FUNC
PyInit_names(void)
{
    return 0;
}

static int WINAPI called(int a)
{
    END_THREADS if (a) {
        return 1;
    }
    return 0;
}
