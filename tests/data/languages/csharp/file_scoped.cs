namespace Shop.Orders;

class Order
{
    int Half(int a) => a / 2;
}
