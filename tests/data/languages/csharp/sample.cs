using System;

namespace Shop.Orders
{
    public class Order : IDisposable
    {
        private int total;

        public Order(int id, string note = "", params string[] tags) : base(id)
        {
            total = id;
        }

        ~Order()
        {
            Dispose();
        }

        public int Total
        {
            get { return total > 0 ? total : 0; }
            set
            {
                if (value < 0)
                {
                    throw new ArgumentException();
                }
                total = value;
            }
        }

        public int Id { get; set; }

        public string Label => total > 10 ? "big" : "small";

        public static Order operator +(Order a, Order b)
        {
            return a;
        }

        public int Count(int[] items, out int rest)
        {
            int Half(int n)
            {
                return n > 1 ? n / 2 : 0;
            }
            rest = 0;
            foreach (var item in items)
            {
                if (item > 3 && item < 9 || item == 12)
                {
                    continue;
                }
                else if (item == 4)
                {
                    rest += Half(item);
                }
                else
                {
                    rest++;
                }
            }
            return rest;
        }

        void IDisposable.Dispose()
        {
            try
            {
                Close();
            }
            catch (IOException error) when (error.HResult > 3)
            {
                Log();
            }
            finally
            {
                total = 0;
            }
        }

        public string Kind(int code)
        {
            switch (code)
            {
                case 1:
                case 2:
                    return "low";
                case 3:
                    goto case 1;
                default:
                    return code switch
                    {
                        4 => "four",
                        5 => "five",
                        _ => "many",
                    };
            }
        }

        public void Each(Action<int> call)
        {
            Func<int, int> twice = x => x * 2;
            Run(y =>
            {
                if (y > 1)
                {
                    call(twice(y));
                }
            });
            call(total ?? 3);
        }
    }

    public record Pair(int Left, int Right)
    {
        public int Sum() => Left + Right;
    }

    interface IShape
    {
        int Area();
    }
}
