local M = {}

function M.open(path, ...)
  if path and #path > 0 or M.force then
    return 1
  elseif M.lazy then
    return 2
  else
    return 3
  end
end

function M.store:save(key)
  self[key] = true
end

local function count(items)
  local n = 0
  for i, item in ipairs(items) do
    while n < 3 do
      if item == 2 then
        goto continue
      end
      n = n + count(item)
    end
    ::continue::
  end
  for i = 1, 2 do
    n = n + i
  end
  repeat
    n = n - 1
  until n < 2
  return n
end

M.half = function(x)
  return x > 0 and x / 2
end

local twice = function(x) return x * 2 end

local handlers = {
  click = function(event, x)
    if event then
      return x
    end
  end,
}

function walk(items)
  each(items, function(item)
    if item then
      print(item)
    end
  end)
end

return M
