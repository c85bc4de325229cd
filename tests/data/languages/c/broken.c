int before(int a)
{
    return a ? 1 : 2;
}

static int broken(int a, {
    if (a {
        return 1;
}

int after(int a, int b)
{
    while (a < b)
        a++;
    return a;
}
