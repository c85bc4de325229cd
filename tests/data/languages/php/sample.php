<?php
namespace Shop\Orders;

use RuntimeException;

abstract class Order implements Countable
{
    use Logs;

    public function __construct(private int $id, $note = '', ...$tags)
    {
        $this->id = $id;
    }

    abstract public function total(): int;

    public static function &build(array &$row)
    {
        return new static($row['id'] ?? 0);
    }

    public function count(array $items): int
    {
        $n = 0;
        foreach ($items as $key => $item) {
            if ($item > 3 && $item < 9 or $item == 12) {
                continue 1;
            } elseif ($item == 4) {
                $n += $this->count($item);
            } else if ($item == 5) {
                $n++;
            } else {
                $n--;
            }
        }
        return $n > 0 ? $n : 0;
    }

    public function load($path)
    {
        try {
            while ($line = read($path)) {
                if (!$line) {
                    break;
                }
            }
        } catch (IoError | Other $e) {
            return null;
        } catch (RuntimeException $e) {
            throw $e;
        } finally {
            close($path);
        }
    }
}

trait Logs
{
    function log($text)
    {
        switch ($text) {
            case 'a':
            case 'b':
                return 1;
            default:
                return match (true) {
                    $text > 1, $text > 2 => 'x',
                    $text > 3 => 'y',
                    default => 'z',
                };
        }
    }
}

enum Suit
{
    case Hearts;

    public function label(): string
    {
        return 'x';
    }
}

function helper($a)
{
    $twice = function ($x) use ($a) {
        return $x ? $x : $a;
    };
    $thrice = fn($x) => $x * 3;
    array_map(function ($y) {
        if ($y) {
            return 1;
        }
    }, $a);
    for ($i = 0; $i < 3; $i++) {
        do {
            $i++;
        } while ($i < 2);
    }
    if ($a):
        return 1;
    elseif ($i):
        return 2;
    else:
        return 3;
    endif;
}
