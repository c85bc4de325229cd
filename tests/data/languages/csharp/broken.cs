class Order
{
    int Before(int a)
    {
        return a > 1 ? 1 : 2;
    }

    int Broken(int a,
    {
        if (a
    }

    int After(int a, int b)
    {
        while (a < b) { a++; }
        return a;
    }
}
