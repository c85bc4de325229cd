#include <stdio.h>
#define TWICE(x) ((x) + (x))

/* no parameters: `void` is not one */
static int nothing(void)
{
    return 0;
}

int sum_all(int count, ...)
{
    int total = 0;
    for (int i = 0; i < count; i++) {
        if (i % 2 == 0 && i > 3 && i < 90) {
            total += i;
        }
    }
    return total;
}

static const char *name_of(int code)
{
    switch (code) {
    case 0:
    case 1:
        return "low";
    case 2:
        return "two";
    default:
        return "high";
    }
}

/* a pointer to a function comes back, the declarator is inside out */
int (*pick(char sign))(int, int)
{
    return sign == '+' ? add : sub;
}

int old_style(a, b)
    int a;
    char b;
{
    return a + b;
}

int classify(const int *values, unsigned long size, int flags[])
{
    if (values == NULL || size == 0) {
        goto fail;
    } else if (flags[0]) {
        while (size--) {
            if (values[size] < 0) {
                continue;
            }
        }
    } else {
        return classify(values + 1, size - 1, flags);
    }
#ifdef CHECKED
    if (TWICE(size) > 9)
        return 2;
#endif
    do {
        size++;
    } while (size < 4);
    return 1;
fail:
    return -1;
}
