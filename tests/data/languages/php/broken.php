<?php
class Order
{
    function before($a)
    {
        return $a ? 1 : 2;
    }

    function broken($a)
    {
        $x = = 3 +;
        return $a $a;
    }

    function after($a, $b)
    {
        while ($a < $b) {
            $a++;
        }
        return $a;
    }
}
